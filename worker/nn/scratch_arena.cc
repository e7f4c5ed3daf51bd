#include "worker/nn/scratch_arena.h"

#include <ATen/ops/empty.h>

namespace deit::nn {

at::Tensor ScratchArena::Get(size_t slot, at::IntArrayRef shape, at::ScalarType type) {
  if (slot >= flat_.size()) flat_.resize(slot + 1);
  int64_t size = 1;
  for (const int64_t extent : shape) size *= extent;
  at::Tensor& flat = flat_[slot];
  if (!flat.defined() || flat.scalar_type() != type || flat.numel() < size) flat = at::empty({size}, at::TensorOptions().dtype(type));
  return flat.narrow(0, 0, size).view(shape);
}

}  // namespace deit::nn
