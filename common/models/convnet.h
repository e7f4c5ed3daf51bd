// Small convnet family for teachers that train in a minute.
#pragma once

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// Fields: widths. Stage 0 is one 3x3 convolution of stride 1; each later stage is two, the first of stride 2; each is followed by batch
// norm and ReLU. Then mean pooling and one linear head. Names, in the manner of timm's RegNet: stages.S.C.conv, stages.S.C.bn for
// convolution C of stage S; head.fc. Starts as timm's RegNet.
Network Convnet(const v1::ModelSpec& model);

// Errors begin with the field.
Status CheckConvnet(const v1::ModelSpec& model);

}  // namespace deit::models
