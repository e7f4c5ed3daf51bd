// vit-pytorch's DistillableViT (vit.py) with its DistillWrapper (distill.py), pooled by the class token.
#pragma once

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// Fields: patch_size, embed_dim, depth, num_heads, head_dim, mlp_ratio (whole hidden units: vit-pytorch's mlp_dim), distillation_token.
Network DistillableVit(const v1::ModelSpec& model);

// Errors begin with the field.
Status CheckDistillableVit(const v1::ModelSpec& model);

}  // namespace deit::models
