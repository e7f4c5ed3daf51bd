// Lists what each job of a folder trains and validates on: tests/parity compares it with what torchvision and webdataset list.
// usage: list_images FOLDER     (FOLDER/N/job.textproto -> FOLDER/N/listed.train and .val)
// A list is "LABEL OFFSET BYTES FILE" and "PATH" of each image, a zero behind each; or "error: ...".
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/dataset/index.h"
#include "common/spec/load.h"

namespace deit::dataset {
namespace {

StatusOr<std::string> List(const v1::JobSpec& job, Split split) {
  DEIT_ASSIGN_OR_RETURN(const auto index, OpenIndex(job, split));
  std::string list;
  for (int64_t i = 0; i < index->size(); ++i) {
    const Place place = index->place(i);
    absl::StrAppend(&list, index->label(i), " ", place.offset, " ", index->bytes(i), " ", place.file);
    list.push_back('\0');
    list += index->path(i);
    list.push_back('\0');
  }
  return list;
}

Status ListJob(const std::filesystem::path& folder) {
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, spec::LoadSpec(folder / "job.textproto", {}));
  for (const Split split : {Split::kTrain, Split::kValidation}) {
    const auto list = List(job, split);
    std::ofstream file(folder / absl::StrCat("listed.", Name(split)), std::ios::binary);
    file << (list.ok() ? *list : absl::StrCat("error: ", list.status().message()));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace deit::dataset

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    const deit::Status status = deit::dataset::ListJob(entry.path());
    if (status.ok()) continue;
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return 1;
  }
  return error ? 1 : 0;
}
