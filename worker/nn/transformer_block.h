// One pre-norm transformer block (attention, MLP), forward and backward written out by hand: GEMMs by ATen into memory that is reused,
// everything between them by our own kernels. Residual stream and LayerNorm are fp32, GEMM operands in the compute precision.
//
// A block may need fewer outputs than inputs: the first `queries` tokens of each image go through q, proj and MLP, all `tokens` through
// k and v. The last block of a model computes only the tokens that reach a head; for all others queries == tokens.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "worker/nn/model.h"
#include "worker/nn/scratch_arena.h"

namespace deit::nn {

struct BlockShape {
  int64_t images;
  int64_t tokens;
  int64_t queries;  // 1 .. tokens
  int64_t width;    // embed_dim, divisible by heads
  int64_t heads;
  int64_t hidden;          // of the MLP
  at::ScalarType compute;  // kFloat or kBFloat16
};

// A block's parameters, in state-dict order.
enum BlockTensor : int {
  kNorm1Weight,
  kNorm1Bias,
  kQkvWeight,
  kQkvBias,
  kProjWeight,
  kProjBias,
  kNorm2Weight,
  kNorm2Bias,
  kFc1Weight,
  kFc1Bias,
  kFc2Weight,
  kFc2Bias,
  kBlockTensors,
};

// What is multiplied to each image's branch before it is added: 0 or 1 / keep probability under drop path, else 1.
struct BranchScales {
  const float* attention;  // [images]
  const float* mlp;        // [images]
};

// Dropout in a block: its places are layer (after proj), layer + 1 (after the activation), layer + 2 (after fc2) of dropout.h.
struct BlockDropout {
  double rate = 0;  // 0: none; the rest is not looked at
  uint64_t seed = 0;
  const uint64_t* positions = nullptr;  // [images]
  uint32_t layer = 0;
};

// What is drawn for a block, in training.
struct BlockNoise {
  BranchScales scales;
  BlockDropout dropout;
};

// `x`: fp32 [images * tokens, width]; `weights`: kBlockTensors tensors; returns fp32 [images * queries, width], a view of `saved`.
// `saved` also keeps what the backward pass needs, beside x itself; `scratch` is free again afterwards.
at::Tensor BlockForward(const BlockShape& shape, const at::Tensor* weights, const BlockNoise& noise, const at::Tensor& x,
                        ScratchArena& saved, ScratchArena& scratch);

// `gradient`: of BlockForward's result. Writes the gradient of x to `dx` (fp32 [images * tokens, width], not overlapping `gradient`) and
// gives those of the weights to `sink` as tensors first_tensor + BlockTensor, in this order: fc2, fc1, norm2, proj, qkv, norm1, each bias
// after its weight.
void BlockBackward(const BlockShape& shape, const at::Tensor* weights, const BlockNoise& noise, const at::Tensor& x,
                   const at::Tensor& gradient, ScratchArena& saved, ScratchArena& scratch, const at::Tensor& dx, int first_tensor,
                   GradientSink& sink);

}  // namespace deit::nn
