// ResNet (He et al. 2016) as timm and torchvision have it: stride in the 3x3 convolution of a bottleneck block ("v1.5").
#pragma once

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// Fields: widths (of the 3x3 convolutions of each stage), depths (blocks of each stage), bottleneck (blocks of 1x1, 3x3 and 1x1 to four
// times the width; else of two 3x3). Starts as timm's: the last batch norm of a block at 0, the head as a linear layer of PyTorch's.
Network Resnet(const v1::ModelSpec& model);

// Errors begin with the field.
Status CheckResnet(const v1::ModelSpec& model);

}  // namespace deit::models
