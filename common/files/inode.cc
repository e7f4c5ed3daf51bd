#include "common/files/inode.h"

#include <sys/stat.h>

#include <cerrno>

#include "common/files/errno_status.h"

namespace deit::files {

StatusOr<uint64_t> InodeOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoStatus("cannot look at", path, errno);
  return static_cast<uint64_t>(info.st_ino);
}

}  // namespace deit::files
