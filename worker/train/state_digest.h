// Two numbers that are equal exactly when two jobs are in the same state.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/exchange/payload_gather.h"
#include "worker/models/tensor_spec.h"
#include "worker/train/buffer_state.h"
#include "worker/train/owned_state.h"

namespace deit::train {

// xxh3-64 of parameters and buffers in state-dict order, without padding: fp32 values, int64 for num_batches_tracked.
uint64_t WeightsDigest(const std::vector<models::TensorSpec>& tensors, const plan::Grid& grid, const float* weights, const BufferState& buffers);

// Bytes of the largest payload that StateDigest sends.
size_t StateDigestPayloadCapacity(const plan::Grid& grid);

// xxh3-64 of the digests of all blocks in block order (for each block: exp_avg, exp_avg_sq, then the EMA if there is one), then of the
// buffers' EMA. Collective; nothing but digests is sent.
StatusOr<uint64_t> StateDigest(const plan::Grid& grid, const OwnedState& owned, BufferState& buffers, exchange::Context& context,
                               exchange::PayloadGather& gather);

}  // namespace deit::train
