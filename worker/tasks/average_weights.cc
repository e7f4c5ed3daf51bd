#include "worker/tasks/average_weights.h"

#include "common/base/exit_code.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/tensor_catalog.h"
#include "common/checkpoint/weights_content.h"

namespace deit::tasks {
namespace {

using checkpoint::TensorCatalog;
using checkpoint::TensorKind;
using models::TensorRole;

Status CheckModel(const TensorCatalog& catalog, const std::vector<models::TensorSpec>& tensors) {
  for (const models::TensorSpec& tensor : tensors) {
    const std::vector<uint64_t> shape(tensor.shape.begin(), tensor.shape.end());
    const TensorCatalog::Tensor* const saved = catalog.Find(TensorKind::kModel, tensor.name);
    if (saved != nullptr && saved->shape == shape) continue;
    const std::string what = saved == nullptr ? "missing" : absl::StrCat("shape ", checkpoint::ShapeText(saved->shape));
    return WithHint(WithExitCode(absl::InvalidArgumentError(absl::StrCat("not this model's average: ", tensor.name, ": ", what,
                                                                         ", the model's is ", checkpoint::ShapeText(shape))),
                                 ExitCode::kCorrupt),
                    "to adapt it, export it (deit-coord checkpoint export --ema) and name the file with --weights=FILE");
  }
  return absl::OkStatus();
}

StatusOr<TensorCatalog> OpenAverage(const std::string& set, const std::vector<models::TensorSpec>& tensors) {
  auto& fs = files::FileSystem::Posix();
  DEIT_ASSIGN_OR_RETURN(const v1::CheckpointManifest manifest, checkpoint::ReadManifest(fs, set));
  DEIT_ASSIGN_OR_RETURN(TensorCatalog catalog, TensorCatalog::Open(fs, set, manifest));
  if (catalog.tensors(TensorKind::kEma).empty()) {
    return WithHint(absl::NotFoundError(absl::StrCat(set, ": holds no averaged weights: ema.decay was 0")), "leave out --ema");
  }
  DEIT_RETURN_IF_ERROR(CheckModel(catalog, tensors));
  return catalog;
}

Status Read(const TensorCatalog& catalog, const models::TensorSpec& tensor, float* out) {
  return catalog.ReadRange(TensorKind::kEma, tensor.name, 0, static_cast<uint64_t>(tensor.size()), out);
}

}  // namespace

Status LoadAverage(const std::string& set, const state::JobState& state) {
  const auto catalog = OpenAverage(set, *state.tensors);
  Status buffers = catalog.status();
  for (size_t t = 0; t < state.tensors->size() && buffers.ok(); ++t) {
    const int64_t offset = state.buffers->offset_of(static_cast<int>(t));
    if (offset >= 0) buffers = Read(*catalog, (*state.tensors)[t], state.buffers->values() + offset);
  }
  DEIT_RETURN_IF_ERROR(state.worker_group->Agree(buffers, "reading averaged weights"));
  return state::FillWeights(state, [&](size_t t, float* out) { return Read(*catalog, (*state.tensors)[t], out); });
}

}  // namespace deit::tasks
