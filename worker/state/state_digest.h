// Digests of weights and training state, equal exactly when two jobs are in the same state.
#pragma once

#include <cstdint>

#include "worker/state/job_state.h"

namespace deit::state {

// xxh3-64 of parameters and buffers in state-dict order, without padding: fp32 values, int64 for num_batches_tracked.
uint64_t WeightsDigest(const JobState& state);

// Bytes of the largest payload that StateDigest sends.
size_t StateDigestPayloadCapacity(const plan::Grid& grid);

// xxh3-64 of the digests of all blocks in block order (for each block: each kind of OwnedState, in its order), then of the
// buffers' EMA. Collective; nothing but digests is sent.
StatusOr<uint64_t> StateDigest(const JobState& state);

}  // namespace deit::state
