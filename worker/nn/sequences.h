// Sequence operations of a network (common/models/network.h says what each computes), by ATen's operations and ordinary autograd. A
// sequence is [images, tokens, channels]; queries, keys and values are adjacent in its channels.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace deit::nn {

at::Tensor Patches(const at::Tensor& image, int64_t size);
at::Tensor Unfold(const at::Tensor& image, int64_t size, int64_t stride);
at::Tensor Grid(const at::Tensor& sequence);

// `token`: of `channels` elements, of any shape.
at::Tensor Prepend(const at::Tensor& token, const at::Tensor& sequence);
at::Tensor Append(const at::Tensor& sequence, const at::Tensor& token);
at::Tensor AddPositions(const at::Tensor& sequence, const at::Tensor& positions);

// In the type of `qkv`. Scores of some images at a time, as they grow with the square of the tokens.
at::Tensor Attention(const at::Tensor& qkv, int64_t heads);

// Nystromformer's attention (nystrom-attention 0.0.14, NystromAttention.forward without a mask), in fp32 or fp64: zeros before the first token
// fill the last landmark's group, landmarks are means of groups of tokens, and the pseudoinverse of their attention is taken by
// kInverseSteps steps of an iteration whose first guess is scaled by one number for all images. `kernel`: [heads, 1, size, 1], of that type.
at::Tensor NystromAttention(const at::Tensor& qkv, int64_t heads, int64_t landmarks, const at::Tensor& kernel);

}  // namespace deit::nn
