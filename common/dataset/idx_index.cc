#include "common/dataset/idx_index.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/dataset/formats.h"
#include "common/dataset/idx_file.h"
#include "common/dataset/numbered_index.h"

namespace deit::dataset {
namespace {

const char* Prefix(Split split) { return split == Split::kTrain ? "train" : "t10k"; }

StatusOr<std::string> Find(const v1::JobSpec& spec, const std::string& name) {
  auto path = FindIdxFile(spec.data().root(), name);
  if (path.ok()) return path;
  return WithHint(Annotate(path.status(), "data.root"),
                  "apt-get install dataset-fashion-mnist, then data.root=/usr/share/datasets/fashion-mnist");
}

}  // namespace

StatusOr<std::string> FindIdxImages(const v1::JobSpec& spec, Split split) {
  return Find(spec, absl::StrCat(Prefix(split), "-images-idx3-ubyte"));
}

StatusOr<std::unique_ptr<Index>> OpenIdx(const v1::JobSpec& spec, Split split) {
  DEIT_ASSIGN_OR_RETURN(const std::string images_path, FindIdxImages(spec, split));
  DEIT_ASSIGN_OR_RETURN(const std::string labels_path, Find(spec, absl::StrCat(Prefix(split), "-labels-idx1-ubyte")));
  DEIT_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, ReadIdxDims(images_path, 3));
  DEIT_ASSIGN_OR_RETURN(const IdxFile file, ReadIdxFile(labels_path, 1, 0));
  if (file.dims[0] != dims[0]) {
    return absl::DataLossError(absl::StrCat(labels_path, ": ", file.dims[0], " labels, but ", images_path, " has ", dims[0], " images"));
  }
  int64_t count = dims[0];
  if (split == Split::kTrain && spec.data().max_images() > 0) count = std::min<int64_t>(count, spec.data().max_images());
  std::vector<int32_t> labels(file.values.begin(), file.values.begin() + count);
  const auto largest = std::max_element(labels.begin(), labels.end());
  if (*largest >= spec.model().num_classes()) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat(labels_path, ": label ", *largest, " of image ", largest - labels.begin(),
                                                            ": model.num_classes is ", spec.model().num_classes())),
                    absl::StrCat("set model.num_classes=", *largest + 1));
  }
  return std::make_unique<NumberedIndex>(split, std::move(labels), dims[1] * dims[2], spec.model().num_classes());
}

}  // namespace deit::dataset
