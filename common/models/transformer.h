// Validation of vision transformer sizes (errors begin with the field) and the cost of timm's. Its passes are written by hand in worker/nn,
// so it is not a Network.
#pragma once

#include <cstdint>

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// int(embed_dim * mlp_ratio).
int64_t HiddenUnits(const v1::ModelSpec& model);

// img_size % patch_size.
Status CheckPatchSize(const v1::ModelSpec& model);

// An MLP without a hidden unit.
Status CheckHiddenUnits(const v1::ModelSpec& model);

// Both, and embed_dim % num_heads.
Status CheckTransformer(const v1::ModelSpec& model);

// `distilled`: with a second token and a second head. Attention products count.
Cost TransformerCost(const v1::ModelSpec& model, bool distilled);

}  // namespace deit::models
