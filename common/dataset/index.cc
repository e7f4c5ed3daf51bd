#include "common/dataset/index.h"

#include "common/base/status.h"
#include "common/dataset/fingerprint.h"
#include "common/dataset/formats.h"

namespace deit::dataset {

const char* Name(Split split) { return split == Split::kTrain ? "train" : "val"; }

uint64_t Index::fingerprint() const {
  Fingerprint fingerprint;
  for (int64_t i = 0; i < size(); ++i) fingerprint.Add(path(i), bytes(i), label(i));
  return fingerprint.Value();
}

StatusOr<std::unique_ptr<Index>> OpenIndex(const v1::JobSpec& spec, Split split, const std::string& kept) {
  switch (spec.data().format()) {
    case v1::DataSpec::SYNTHETIC: return OpenSynthetic(spec, split);
    case v1::DataSpec::IDX: return OpenIdx(spec, split);
    case v1::DataSpec::IMAGE_FOLDER: return OpenImageFolder(spec, split, kept);
    case v1::DataSpec::TAR: return OpenTar(spec, split, kept);
    case v1::DataSpec::CIFAR: return OpenCifar(spec, split);
  }
  return absl::InvalidArgumentError(absl::StrCat("data.format: ", static_cast<int>(spec.data().format()), ": unknown"));
}

}  // namespace deit::dataset
