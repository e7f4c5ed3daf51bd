// Memory that is allocated once and kept: tensors by slot number, each grown when a step needs it larger.
#pragma once

#include <cstddef>
#include <vector>

#include <ATen/core/Tensor.h>

namespace deit::models {

// Not thread-safe.
class Buffers {
 public:
  // A contiguous view of the slot's memory; its contents are what was last written there. Valid until the slot is asked for again.
  at::Tensor Get(size_t slot, at::IntArrayRef shape, at::ScalarType type);

 private:
  std::vector<at::Tensor> flat_;
};

}  // namespace deit::models
