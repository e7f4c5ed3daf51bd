// vit-pytorch's DistillableT2TViT (t2t.py; Yuan et al. 2021, Tokens-to-Token ViT) with its DistillWrapper, pooled by the class token.
#pragma once

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// Fields: t2t_kernels and t2t_strides (one each for each layer), and as DistillableVit's without patch_size. Between two layers the tokens,
// as wide as their squares, go through a transformer of one block with one head of that width.
Network DistillableT2tVit(const v1::ModelSpec& model);

// Errors begin with the field.
Status CheckDistillableT2tVit(const v1::ModelSpec& model);

}  // namespace deit::models
