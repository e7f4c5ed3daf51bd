// EfficientNet (Tan & Le 2019) as timm has it: symmetric padding, batch norm's eps 1e-5.
#pragma once

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// Fields: width_mult, depth_mult: B0's channels times the one (to multiples of 8), its blocks per stage times the other (rounded up).
// Starts as timm's: the head at U(+-1 / sqrt(classes)).
Network Efficientnet(const v1::ModelSpec& model);

// Every factor in the schema's ranges will do.
Status CheckEfficientnet(const v1::ModelSpec& model);

}  // namespace deit::models
