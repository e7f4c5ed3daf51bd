#include "common/spec/default_job_file.h"

#include "common/files/operations.h"

namespace deit::spec {

std::string FindDefaultJobFile() {
  return files::Exists(files::FileSystem::Posix(), kDefaultJobFile).value_or(false) ? kDefaultJobFile : "";
}

}  // namespace deit::spec
