// Lists what each job of a folder trains and validates on: tests/parity compares it with what torchvision and webdataset list.
// usage: list_images FOLDER     (FOLDER/N/job.textproto -> FOLDER/N/listed.train and .val)
// A list is "LABEL OFFSET BYTES FILE" and "PATH" of each image, a zero behind each; or "error: ...".
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/dataset/index.h"
#include "common/spec/load.h"
#include "tests/support/case_folders.h"

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

int main(int argc, char** argv) { return deit::testing::ReadCases(argc, argv, deit::dataset::ListJob); }
