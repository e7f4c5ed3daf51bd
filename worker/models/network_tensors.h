// The tensors of a network that common/nets describes, under the names of where it is from. Torch-free.
#pragma once

#include <cstddef>
#include <vector>

#include "common/nets/network.h"
#include "worker/models/tensor_spec.h"

namespace deit::models {

struct NetworkTensors {
  std::vector<TensorSpec> tensors;
  std::vector<size_t> first;  // by step: where its tensors begin
};

// A step's tensors, in this order: NAME.weight, NAME.bias, and a batch norm's NAME.running_mean, NAME.running_var,
// NAME.num_batches_tracked; a token or a sequence of them is NAME itself. Weights of convolutions and linear layers decay, the rest does
// not.
NetworkTensors ListTensors(const nets::Network& network);

}  // namespace deit::models
