#include "common/dataset/cifar_files.h"

#include <numeric>

#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/files/operations.h"

namespace deit::dataset {
namespace {

constexpr size_t kMaxNamesBytes = 1 << 20;

// Names by line; a missing file gives none.
std::vector<std::string> ReadNames(files::FileSystem& fs, const std::string& path) {
  const auto text = files::ReadWholeFile(fs, path, kMaxNamesBytes);
  if (!text.ok()) return {};
  return absl::StrSplit(*text, absl::ByAnyChar("\r\n"), absl::SkipEmpty());
}

}  // namespace

int64_t CifarPart::size() const { return std::accumulate(records.begin(), records.end(), int64_t{0}); }

StatusOr<CifarPart> FindCifar(const v1::JobSpec& spec, Split split) {
  files::FileSystem& fs = files::FileSystem::Posix();
  const std::string& root = spec.data().root();
  const bool training = split == Split::kTrain;
  CifarPart part;
  std::vector<std::string> names;
  if (fs.OpenForRead(files::JoinPath(root, "train.bin")).ok()) {
    names = {training ? "train.bin" : "test.bin"};
    part.label_bytes = 2;
    part.classes = ReadNames(fs, files::JoinPath(root, "fine_label_names.txt"));
  } else {
    if (training) names = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
    else names = {"test_batch.bin"};
    part.classes = ReadNames(fs, files::JoinPath(root, "batches.meta.txt"));
  }
  for (const std::string& name : names) {
    const std::string path = files::JoinPath(root, name);
    auto file = fs.OpenForRead(path);
    if (!file.ok()) {
      return WithHint(Annotate(file.status(), "data.root"),
                      "data.root holds the *.bin files of cifar-10-binary.tar.gz or cifar-100-binary.tar.gz");
    }
    const auto bytes = static_cast<int64_t>((*file)->Size());
    if (bytes == 0 || bytes % part.record_bytes() != 0) {
      return absl::DataLossError(absl::StrCat(path, ": ", bytes, " bytes: not whole records of ", part.record_bytes()));
    }
    part.paths.push_back(path);
    part.records.push_back(bytes / part.record_bytes());
  }
  return part;
}

}  // namespace deit::dataset
