// Dropout (torch.nn.Dropout, in training): an element stays and is divided by the probability of that, or becomes 0. Who stays is a pure
// function of (seed, position, layer, element), so that nothing is kept for the backward pass, which does the same to gradients, and an
// image's masks do not depend on the worker or the batch that computes it.
#pragma once

#include <cstdint>

#include "worker/kernels/transformer_kernels.h"

namespace deit::kernels {

// Whose elements are dropped: of one image, in one place of the model.
struct DropoutKey {
  uint64_t seed;      // train.seed
  uint64_t position;  // of the view
  uint32_t layer;     // below 2^24, one for each place
};

// In place; rate in [0, 1). Element i takes word (i mod 64) / 16 of the Philox block 16 * (i / 64) + i mod 16 of (seed, position, kDropout,
// layer), and is dropped if that is below rate * 2^32. What is not finite stays so. T: float or kernels::Bf16.
template <typename T>
void Dropout(const DropoutKey& key, double rate, int64_t count, T* values);

}  // namespace deit::kernels
