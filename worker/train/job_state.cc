#include "worker/train/job_state.h"

namespace deit::train {

Status FillWeights(const JobState& state, const std::function<Status(size_t tensor, float* out)>& source) {
  exchange::Context& context = state.team->context();
  exchange::NodeMemory& memory = state.team->memory();
  Status status;
  size_t parameter = 0;
  for (size_t t = 0; t < state.tensors->size() && status.ok(); ++t) {
    if ((*state.tensors)[t].role != models::TensorRole::kParameter) continue;
    const plan::TensorPlace& place = state.grid->tensors()[parameter++];
    if (parameter % context.members().size() != static_cast<size_t>(context.member())) continue;
    status = source(t, memory.weights() + place.offset);
    state.team->weight_gather().Cast({place.offset, place.count});
  }
  // Shared memory is coherent; the agreement orders these writes before everybody's first read.
  DEIT_RETURN_IF_ERROR(state.team->Agree(status, "the weights"));
  state.owned->StartEma(memory.weights());
  state.buffers->StartEma();
  return absl::OkStatus();
}

Status SwapAverages(const JobState& state) {
  exchange::Team& team = *state.team;
  state.owned->SwapEma(team.memory().weights());
  state.buffers->SwapEma();
  team.weight_gather().CastOwnParts();
  return team.weight_gather().Publish();
}

Status InitialiseWeights(const JobState& state, uint64_t seed) {
  return FillWeights(state,
                     [&](size_t t, float* out) { return models::InitialiseTensor((*state.tensors)[t], static_cast<int>(t), seed, out); });
}

}  // namespace deit::train
