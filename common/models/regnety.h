// RegNetY (Radosavovic et al. 2020) as timm has it, with sizes given stage by stage.
#pragma once

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// Fields: widths, depths (channels and blocks of each stage), group_width (channels of one group of the 3x3 convolutions; divides all
// widths). Bottleneck ratio 1, a stem of 32 channels, squeeze-and-excitation to a quarter of the block's input. Starts as timm's: the last
// batch norm of a block at 0.
Network Regnety(const v1::ModelSpec& model);

// Errors begin with the field.
Status CheckRegnety(const v1::ModelSpec& model);

}  // namespace deit::models
