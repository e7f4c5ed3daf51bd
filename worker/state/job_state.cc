#include "worker/state/job_state.h"

#include "common/checkpoint/checkpoint_layout.h"

namespace deit::state {

Status FillWeights(const JobState& state, const std::function<Status(size_t tensor, float* out)>& source) {
  exchange::Context& context = state.worker_group->context();
  exchange::NodeBuffers& memory = state.worker_group->memory();
  Status status;
  std::vector<uint64_t> bytes;
  for (const plan::TensorPlace& place : state.grid->tensors()) bytes.push_back(static_cast<uint64_t>(place.count) * sizeof(float));
  const std::vector<int> filler = checkpoint::AssignTensors(bytes, static_cast<int>(context.members().size()));
  size_t parameter = 0;
  for (size_t t = 0; t < state.tensors->size() && status.ok(); ++t) {
    if ((*state.tensors)[t].role != models::TensorRole::kParameter) continue;
    const plan::TensorPlace& place = state.grid->tensors()[parameter];
    if (filler[parameter++] != context.member()) continue;
    status = source(t, memory.weights() + place.offset);
    context.AddPiece();
    state.worker_group->parameter_all_gather().Cast({place.offset, place.count});
  }
  // Shared memory is coherent; the agreement orders these writes before everybody's first read.
  DEIT_RETURN_IF_ERROR(state.worker_group->Agree(status, "the weights"));
  state.owned->StartEma(memory.weights());
  state.buffers->StartEma();
  return absl::OkStatus();
}

Status SwapAverages(const JobState& state) {
  exchange::WorkerGroup& worker_group = *state.worker_group;
  state.owned->SwapEma(worker_group.memory().weights());
  state.buffers->SwapEma();
  worker_group.parameter_all_gather().CastOwnShards();
  return worker_group.parameter_all_gather().Publish();
}

Status InitialiseWeights(const JobState& state, uint64_t seed) {
  return FillWeights(state,
                     [&](size_t t, float* out) { return models::InitialiseTensor((*state.tensors)[t], static_cast<int>(t), seed, out); });
}

}  // namespace deit::state
