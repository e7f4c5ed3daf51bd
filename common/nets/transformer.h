// What a vision transformer's sizes must keep (errors begin with the field), and what timm's costs. Its passes are written by hand in
// worker/models, so it is no Network.
#pragma once

#include <cstdint>

#include "common/base/status.h"
#include "common/nets/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::nets {

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

}  // namespace deit::nets
