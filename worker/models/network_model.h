// Any network that common/nets describes: its tensors, and its passes by ATen's operations and ordinary autograd.
#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

#include "common/nets/network.h"
#include "worker/models/model.h"

namespace deit::models {

// Tensors: network_tensors.h. `compute`: kFloat or kBFloat16 (convolutions and linear layers, and what lies between them in evaluation; in
// training, batch norm and residual sums are fp32), or kDouble, for comparisons: then everything, all tensors and the logits are fp64.
// Images are computed in channels-last order.
std::unique_ptr<Model> NewNetworkModel(nets::Network network, at::ScalarType compute);

}  // namespace deit::models
