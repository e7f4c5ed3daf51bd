// ViT, DeiT and distilled DeiT of any size, with timm's tensor names. Forward as timm's VisionTransformer (pre-norm, class token, exact
// GELU, LayerNorm eps 1e-6, qkv bias) and VisionTransformerDistilled (a second token and head).
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "common/models/activation_size.h"
#include "common/models/transformer_tensors.h"
#include "worker/nn/model.h"

namespace deit::nn {

// `compute`: kFloat or kBFloat16. All gradients are direct (TensorSpec::direct_gradient): the whole model is one autograd node. Evaluation
// computes `images_per_pass` images at a time (models::ImagesPerPass).
std::unique_ptr<Model> NewTransformer(const models::TransformerSizes& sizes, at::ScalarType compute,
                                      int64_t images_per_pass = models::kMostImagesPerPass);

// What multiplies each image's two branches in one block: 0, or 1 / keep with probability keep = 1 - rate.
// branch 0: attention, 1: MLP. A pure function of its arguments.
float BranchScale(uint64_t seed, uint64_t position, int64_t block, int branch, double rate);

}  // namespace deit::nn
