// vit-pytorch's DistillableEfficientViT (efficient.py) with its DistillWrapper, pooled by the class token: a vision transformer around
// another transformer, here vit-pytorch's own or the Nystromformer (Xiong et al. 2021) of nystrom-attention 0.0.14.
#pragma once

#include "common/base/status.h"
#include "common/models/network.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// Fields: as DistillableVit's, and transformer and num_landmarks. With NYSTROMFORMER mlp_ratio is 4, the pseudoinverse takes six steps and
// the values are convolved over 33 tokens; and results depend on what else is in the batch, as one number of all its images scales the
// pseudoinverse's first guess.
Network DistillableEfficientVit(const v1::ModelSpec& model);

// Errors begin with the field.
Status CheckDistillableEfficientVit(const v1::ModelSpec& model);

}  // namespace deit::models
