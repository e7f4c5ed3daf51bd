#include "worker/engine/weights_file.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_join.h"
#include "common/base/exit_code.h"
#include "common/checkpoint/weights_content.h"
#include "worker/distill/half.h"
#include "worker/update/block_math.h"

namespace deit::engine {
namespace {

using checkpoint::Dtype;
using checkpoint::SafetensorsFile;
using checkpoint::TensorInfo;
using models::TensorRole;

bool Readable(Dtype dtype) { return dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kBF16; }

}  // namespace

StatusOr<WeightsFile> WeightsFile::Open(const std::string& path, const std::vector<models::TensorSpec>& tensors) {
  WeightsFile weights;
  DEIT_ASSIGN_OR_RETURN(weights.files_, checkpoint::OpenWeights(path));
  weights.tensors_ = tensors;
  std::map<std::string, Place> found;
  for (size_t f = 0; f < weights.files_.size(); ++f) {
    for (const TensorInfo& info : weights.files_[f].tensors()) found[info.name] = {f, &info};
  }
  std::vector<std::string> problems;
  for (const models::TensorSpec& tensor : tensors) {
    const auto it = found.find(tensor.name);
    const bool count = tensor.role == TensorRole::kBatchesTracked;
    const std::vector<uint64_t> shape(tensor.shape.begin(), tensor.shape.end());
    if (it == found.end()) {
      if (!count) problems.push_back(absl::StrCat(tensor.name, ": missing"));
      weights.places_.push_back({0, nullptr});
      continue;
    }
    if (it->second.info->shape != shape) {
      problems.push_back(absl::StrCat(tensor.name, ": shape ", checkpoint::ShapeText(it->second.info->shape), ", the model's is ",
                                      checkpoint::ShapeText(shape)));
    } else if (count ? it->second.info->dtype != Dtype::kI64 : !Readable(it->second.info->dtype)) {
      problems.push_back(absl::StrCat(tensor.name, ": type ", checkpoint::Name(it->second.info->dtype), " cannot be used"));
    }
    weights.places_.push_back(it->second);
    found.erase(it);
  }
  for (const auto& [name, place] : found) problems.push_back(absl::StrCat(name, ": the model has no such tensor"));
  if (problems.empty()) return weights;
  return WithHint(
      WithExitCode(absl::InvalidArgumentError(absl::StrCat(path, ": not this model's weights: ", absl::StrJoin(problems, "; "))),
                   ExitCode::kCorrupt),
      "give the model the sizes that the weights were trained with");
}

Status WeightsFile::Read(size_t t, float* out) const {
  const Place& place = places_[t];
  const SafetensorsFile& file = files_[place.file];
  const int64_t count = static_cast<int64_t>(place.info->elements);
  if (place.info->dtype == Dtype::kF32) return file.ReadRange(*place.info, 0, place.info->bytes, out);
  std::vector<uint16_t> narrow(place.info->elements);
  DEIT_RETURN_IF_ERROR(file.ReadRange(*place.info, 0, place.info->bytes, narrow.data()));
  if (place.info->dtype == Dtype::kBF16) update::CastToFloat(narrow.data(), out, count);
  else std::transform(narrow.begin(), narrow.end(), out, distill::FloatFromHalf);
  return absl::OkStatus();
}

StatusOr<int64_t> WeightsFile::BatchesTracked() const {
  for (size_t t = 0; t < tensors_.size(); ++t) {
    if (tensors_[t].role != TensorRole::kBatchesTracked || !places_[t].info) continue;
    int64_t value = 0;
    DEIT_RETURN_IF_ERROR(files_[places_[t].file].ReadRange(*places_[t].info, 0, sizeof(value), &value));
    return value;
  }
  return 0;
}

}  // namespace deit::engine
