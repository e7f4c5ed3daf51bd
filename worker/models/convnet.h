// A small convnet with batch norm, for teachers that train in a minute: stages of 3x3 convolutions (padding 1, no bias), each followed by
// batch norm (eps 1e-5) and ReLU. Stage 0 is one convolution of stride 1; each later stage is two, the first of stride 2. Then global
// average pooling and one linear head.
// Names, in the manner of timm's RegNet: stages.S.C.conv.weight, stages.S.C.bn.{weight,bias,running_mean,running_var,num_batches_tracked}
// for convolution C of stage S; head.fc.{weight,bias}.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/models/model.h"

namespace deit::models {

struct ConvNetSizes {
  int64_t classes;
  int64_t channels;             // of the image
  std::vector<int64_t> widths;  // channels of each stage, at least one stage
};

// `compute`: kFloat or kBFloat16 (convolutions and head; batch norm is fp32). Gradients reach leaves by ordinary autograd. Initial values:
// convolutions N(0, sqrt(2 / fan_out)), batch norm 1 and 0, head N(0, 0.01) and 0 (as timm's RegNet).
std::unique_ptr<Model> NewConvNet(const ConvNetSizes& sizes, at::ScalarType compute);

}  // namespace deit::models
