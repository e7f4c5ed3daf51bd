#include <algorithm>

#include "common/dataset/formats.h"
#include "common/dataset/numbered_index.h"

namespace deit::dataset {

absl::StatusOr<std::unique_ptr<Index>> OpenSynthetic(const v1::JobSpec& spec, Split split) {
  int64_t count = spec.data().synthetic_images();
  if (split == Split::kValidation) {
    count = (count + 9) / 10;
  } else if (spec.data().max_images() > 0) {
    count = std::min<int64_t>(count, spec.data().max_images());
  }
  const int num_classes = spec.model().num_classes();
  std::vector<int32_t> labels(static_cast<size_t>(count));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int32_t>(i % static_cast<size_t>(num_classes));
  const int64_t side = spec.model().img_size();
  return std::make_unique<NumberedIndex>(split, std::move(labels), side * side * spec.model().in_chans(), num_classes);
}

}  // namespace deit::dataset
