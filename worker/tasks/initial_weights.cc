#include "worker/tasks/initial_weights.h"

#include "common/base/log.h"
#include "worker/state/buffer_state.h"
#include "worker/weights/weights_file.h"

namespace deit::tasks {
namespace {

Status ReadBuffers(const weights::WeightsFile& weights, const state::JobState& state) {
  for (size_t t = 0; t < state.tensors->size(); ++t) {
    const int64_t offset = state.buffers->offset_of(static_cast<int>(t));
    if (offset >= 0) DEIT_RETURN_IF_ERROR(weights.Read(t, state.buffers->values() + offset));
  }
  DEIT_ASSIGN_OR_RETURN(state.buffers->batches_tracked, weights.BatchesTracked());
  return absl::OkStatus();
}

}  // namespace

Status LoadWeights(const std::string& path, const v1::JobSpec& spec, const state::JobState& state) {
  const auto weights = weights::WeightsFile::Open(path, *state.tensors, weights::PlanOptionsOf(spec.model()), spec.train().seed());
  const Status buffers = weights.ok() ? ReadBuffers(*weights, state) : weights.status();
  DEIT_RETURN_IF_ERROR(state.worker_group->Agree(buffers, "reading weights"));
  if (state.worker_group->context().worker() == 0) {
    for (const std::string& note : weights->notes()) LogInfo(note);
  }
  return state::FillWeights(state, [&](size_t t, float* out) { return weights->Read(t, out); });
}

}  // namespace deit::tasks
