// Mapping of timm's tensor names to torchvision's. Pure.
#pragma once

#include <string>

#include "common/models/model_catalog.h"

namespace deit::weights {

// The name in torchvision's state dict of the tensor `timm` of a model of that family; the name itself where both agree (ResNet) or
// torchvision has no such model.
std::string TorchvisionName(models::Family family, const std::string& timm);

// What to add to running variances of torchvision's weights so that batch norm computes the same in evaluation: torchvision's EfficientNet
// B5 to B7 add eps 1e-3 to them, timm's and ours 1e-5.
double TorchvisionVarianceOffset(const v1::ModelSpec& resolved);

}  // namespace deit::weights
