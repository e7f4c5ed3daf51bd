#include <algorithm>

#include "common/base/status.h"
#include "common/dataset/cifar_files.h"
#include "common/dataset/formats.h"
#include "common/dataset/numbered_index.h"
#include "common/files/file_system.h"

namespace deit::dataset {
namespace {

StatusOr<std::vector<int32_t>> ReadLabels(const CifarPart& part, int64_t count) {
  std::vector<int32_t> labels;
  for (size_t k = 0; k < part.paths.size(); ++k) {
    DEIT_ASSIGN_OR_RETURN(const auto file, files::FileSystem::Posix().OpenForRead(part.paths[k]));
    for (int64_t i = 0; i < part.records[k] && static_cast<int64_t>(labels.size()) < count; ++i) {
      uint8_t label = 0;
      DEIT_RETURN_IF_ERROR(file->ReadAt(static_cast<uint64_t>(i * part.record_bytes() + part.label_bytes - 1), &label, 1));
      labels.push_back(label);
    }
  }
  return labels;
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenCifar(const v1::JobSpec& spec, Split split) {
  DEIT_ASSIGN_OR_RETURN(CifarPart part, FindCifar(spec, split));
  int64_t count = part.size();
  if (split == Split::kTrain && spec.data().max_images() > 0) count = std::min<int64_t>(count, spec.data().max_images());
  DEIT_ASSIGN_OR_RETURN(std::vector<int32_t> labels, ReadLabels(part, count));
  const auto largest = std::max_element(labels.begin(), labels.end());
  if (*largest >= spec.model().num_classes()) {
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat(spec.data().root(), ": label ", *largest, " of image ", largest - labels.begin(),
                                                ": model.num_classes is ", spec.model().num_classes())),
        absl::StrCat("set model.num_classes=", part.label_bytes == 2 ? 100 : 10));
  }
  return std::make_unique<NumberedIndex>(split, std::move(labels), kCifarPixelBytes, spec.model().num_classes(), std::move(part.classes));
}

}  // namespace deit::dataset
