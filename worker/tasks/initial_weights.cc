#include "worker/tasks/initial_weights.h"

#include "common/base/log.h"
#include "worker/engine/weights_file.h"
#include "worker/train/buffer_state.h"

namespace deit::tasks {
namespace {

Status ReadBuffers(const engine::WeightsFile& weights, const train::JobState& state) {
  for (size_t t = 0; t < state.tensors->size(); ++t) {
    const int64_t offset = state.buffers->offset_of(static_cast<int>(t));
    if (offset >= 0) DEIT_RETURN_IF_ERROR(weights.Read(t, state.buffers->values() + offset));
  }
  DEIT_ASSIGN_OR_RETURN(state.buffers->batches_tracked, weights.BatchesTracked());
  return absl::OkStatus();
}

}  // namespace

Status LoadWeights(const std::string& path, const v1::JobSpec& spec, const train::JobState& state) {
  const auto weights = engine::WeightsFile::Open(path, *state.tensors, weights::PlanOptionsOf(spec.model()), spec.train().seed());
  const Status buffers = weights.ok() ? ReadBuffers(*weights, state) : weights.status();
  DEIT_RETURN_IF_ERROR(state.team->Agree(buffers, "reading weights"));
  if (state.team->context().worker() == 0) {
    for (const std::string& note : weights->notes()) LogInfo(note);
  }
  return train::FillWeights(state, [&](size_t t, float* out) { return weights->Read(t, out); });
}

}  // namespace deit::tasks
