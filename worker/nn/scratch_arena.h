// Arena of reusable scratch tensors, by slot number, each grown when a step needs it larger.
#pragma once

#include <cstddef>
#include <vector>

#include <ATen/core/Tensor.h>

namespace deit::nn {

// Not thread-safe.
class ScratchArena {
 public:
  // A contiguous view of the slot's memory; its contents are what was last written there. Valid until the slot is asked for again.
  at::Tensor Get(size_t slot, at::IntArrayRef shape, at::ScalarType type);

 private:
  std::vector<at::Tensor> flat_;
};

}  // namespace deit::nn
