// What a vision transformer's sizes must keep, and what it costs. Its passes are written by hand in worker/models, so it is no Network.
#pragma once

#include "common/base/status.h"
#include "common/nets/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::nets {

// img_size % patch_size, embed_dim % num_heads, an MLP without a hidden unit. Errors begin with the field.
Status CheckTransformer(const v1::ModelSpec& model);

// `distilled`: with a second token and a second head. Attention products count.
Cost TransformerCost(const v1::ModelSpec& model, bool distilled);

}  // namespace deit::nets
