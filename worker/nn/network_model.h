// Model of any Network (common/models/network.h), computed by ATen operations and ordinary autograd.
#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

#include "common/models/activation_size.h"
#include "common/models/network.h"
#include "worker/nn/model.h"

namespace deit::nn {

// Tensors: network_tensors.h. `compute`: kFloat or kBFloat16 (convolutions and linear layers, and what lies between them in evaluation; in
// training, batch norm and residual sums are fp32), or kDouble, for comparisons: then everything, all tensors and the logits are fp64.
// Images are computed in channels-last order; evaluation computes `images_per_pass` of them at a time (models::ImagesPerPass).
std::unique_ptr<Model> NewNetworkModel(models::Network network, at::ScalarType compute,
                                       int64_t images_per_pass = models::kMostImagesPerPass);

}  // namespace deit::nn
