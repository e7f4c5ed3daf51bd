// Tensor list of a Network (network.h), under the names of its original implementation. Torch-free.
#pragma once

#include <cstddef>
#include <vector>

#include "common/models/network.h"
#include "common/models/tensor_spec.h"

namespace deit::models {

struct NetworkTensors {
  std::vector<TensorSpec> tensors;
  std::vector<size_t> first;  // by step: where its tensors begin
};

// A step's tensors, in this order: NAME.weight, NAME.bias, and a batch norm's NAME.running_mean, NAME.running_var,
// NAME.num_batches_tracked; a token or a sequence of them is NAME itself. Weights of convolutions and linear layers decay, the rest does
// not.
NetworkTensors ListTensors(const Network& network);

}  // namespace deit::models
