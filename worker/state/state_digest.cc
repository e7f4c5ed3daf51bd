#include "worker/state/state_digest.h"

#include <span>
#include <vector>

#include "common/base/digest.h"

namespace deit::state {

uint64_t WeightsDigest(const JobState& state) {
  const auto& tensors = *state.tensors;
  const float* weights = state.worker_group->memory().weights();
  const BufferState& buffers = *state.buffers;
  DigestStream digest;
  size_t parameter = 0;
  for (size_t t = 0; t < tensors.size(); ++t) {
    const size_t bytes = static_cast<size_t>(tensors[t].size()) * sizeof(float);
    switch (tensors[t].role) {
      case models::TensorRole::kParameter: digest.Update(weights + state.grid->tensors()[parameter++].offset, bytes); break;
      case models::TensorRole::kRunningMean:
      case models::TensorRole::kRunningVar: digest.Update(buffers.values() + buffers.offset_of(static_cast<int>(t)), bytes); break;
      case models::TensorRole::kBatchesTracked: digest.Update(&buffers.batches_tracked, sizeof(buffers.batches_tracked)); break;
    }
  }
  return digest.Value();
}

size_t StateDigestPayloadCapacity(const plan::Grid& grid) { return grid.blocks().size() * 3 * sizeof(uint64_t); }

StatusOr<uint64_t> StateDigest(const JobState& state) {
  const plan::Grid& grid = *state.grid;
  const OwnedState& owned = *state.owned;
  exchange::Context& context = state.worker_group->context();
  exchange::MetadataAllGather& gather = state.worker_group->gather();
  const plan::Shards& shards = context.plan->shards();
  const int workers = context.plan->topology().workers();
  const std::vector<uint64_t> mine = owned.Digests();
  std::vector<size_t> blocks_of(static_cast<size_t>(workers)), sizes;
  for (int b = 0; b < static_cast<int>(grid.blocks().size()); ++b) ++blocks_of[static_cast<size_t>(shards.OwnerOfBlock(b))];
  const size_t kinds = owned.kinds().size();
  for (size_t blocks : blocks_of) sizes.push_back(blocks * kinds * sizeof(uint64_t));
  DEIT_RETURN_IF_ERROR(gather.Exchange(std::as_bytes(std::span(mine)), sizes, "state digests"));

  DigestStream digest;
  std::vector<size_t> next(static_cast<size_t>(workers));
  for (int b = 0; b < static_cast<int>(grid.blocks().size()); ++b) {
    const size_t owner = static_cast<size_t>(shards.OwnerOfBlock(b));
    for (size_t kind = 0; kind < kinds; ++kind) {
      const size_t index = kind * blocks_of[owner] + next[owner];
      digest.Update(gather.Of(static_cast<int>(owner)).data() + index * sizeof(uint64_t), sizeof(uint64_t));
    }
    ++next[owner];
  }
  if (state.buffers->ema()) digest.Update(state.buffers->ema(), static_cast<size_t>(state.buffers->size()) * sizeof(float));
  return digest.Value();
}

}  // namespace deit::state
