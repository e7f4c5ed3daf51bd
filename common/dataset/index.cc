#include "common/dataset/index.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/dataset/fingerprint.h"
#include "common/dataset/formats.h"
#include "common/files/file_system.h"

namespace deit::dataset {

const char* Name(Split split) { return split == Split::kTrain ? "train" : "val"; }

uint64_t Index::fingerprint() const {
  Fingerprint fingerprint;
  for (int64_t i = 0; i < size(); ++i) fingerprint.Add(path(i), bytes(i), label(i));
  return fingerprint.Value();
}

namespace {

// data.root is a folder, not a file and no pattern of names. A link that points nowhere looks like an empty file here. What else is wrong with it is named where it is read.
Status CheckRoot(const v1::DataSpec& data) {
  if (data.format() == v1::DataSpec::SYNTHETIC) return absl::OkStatus();
  const auto info = files::FileSystem::Posix().Stat(data.root());
  const bool is_pattern = absl::IsNotFound(info.status()) && data.root().find_first_of("{}*?") != std::string::npos;
  if (!is_pattern && (!info.ok() || info->is_folder || info->is_link)) return absl::OkStatus();
  const std::string layout = data.format() == v1::DataSpec::TAR            ? "of the shards, in train/*.tar and val/*.tar"
                             : data.format() == v1::DataSpec::IMAGE_FOLDER ? "with train/CLASS/IMAGE.jpg and val/CLASS/IMAGE.jpg"
                                                                           : "of the data set's files";
  return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", data.root(), is_pattern ? ": not there" : ": not a folder")),
                  absl::StrCat("data.root is the folder ", layout, is_pattern ? "; patterns are not expanded" : ""));
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenIndex(const v1::JobSpec& spec, Split split, const std::string& kept) {
  DEIT_RETURN_IF_ERROR(CheckRoot(spec.data()));
  switch (spec.data().format()) {
    case v1::DataSpec::SYNTHETIC: return OpenSynthetic(spec, split);
    case v1::DataSpec::IDX: return OpenIdx(spec, split);
    case v1::DataSpec::IMAGE_FOLDER: return OpenImageFolder(spec, split, kept);
    case v1::DataSpec::TAR: return OpenTar(spec, split, kept);
    case v1::DataSpec::CIFAR: return OpenCifar(spec, split);
  }
  return absl::InvalidArgumentError(absl::StrCat("data.format: ", static_cast<int>(spec.data().format()), ": unknown"));
}

Status CheckSameClasses(const Index& train, const Index& validation) {
  if (train.classes() == validation.classes()) return absl::OkStatus();
  const auto& ours = train.classes();
  const auto& theirs = validation.classes();
  const auto label = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end()).first - ours.begin();
  const auto name = [&](const std::vector<std::string>& names) {
    return static_cast<size_t>(label) < names.size() ? absl::StrCat("'", names[static_cast<size_t>(label)], "'") : "missing";
  };
  return WithHint(absl::FailedPreconditionError(
                      absl::StrCat("data.root: class ", label, " is ", name(ours), " in train and ", name(theirs), " in val")),
                  "did data.root change just now? run again");
}

}  // namespace deit::dataset
