// The transformer written with ordinary ATen operations, for autograd to differentiate: what the hand-written one is compared with.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include "common/models/transformer_tensors.h"
#include "worker/kernels/dropout.h"
#include "worker/nn/vit.h"

namespace deit::nn {

struct ReferenceTransformer {
  models::TransformerSizes sizes;
  std::vector<at::Tensor> leaves;  // with requires_grad
  bool autocast = false;           // torch.autocast's rules: GEMMs in bf16, LayerNorm, softmax and the residual stream in fp32
  uint64_t seed = 0;
  std::vector<uint64_t> positions;          // drop path and dropout; empty: none
  std::vector<at::Tensor>* seen = nullptr;  // gets the tokens after the embedding and after each block, if given

  const at::Tensor& Leaf(const std::string& name) const {
    const std::vector<models::TensorSpec> tensors = models::ListTensors(sizes).tensors;
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (tensors[i].name == name) return leaves[i];
    }
    DEIT_CHECK(false, name);
    return leaves[0];
  }

  at::Tensor Operand(const at::Tensor& x) const { return autocast ? x.to(at::kBFloat16) : x; }

  at::Tensor Linear(const at::Tensor& x, const std::string& name) const {
    return at::linear(Operand(x), Operand(Leaf(name + ".weight")), Operand(Leaf(name + ".bias")));
  }

  at::Tensor Norm(const at::Tensor& x, const std::string& name) const {
    return at::layer_norm(x, {sizes.width}, Leaf(name + ".weight"), Leaf(name + ".bias"), 1e-6);
  }

  at::Tensor Attention(const at::Tensor& x, const std::string& name) const {
    const int64_t images = x.size(0);
    const at::Tensor rows = Linear(x, name + ".qkv").reshape({images, sizes.tokens(), 3, sizes.heads, sizes.width / sizes.heads});
    const at::Tensor qkv = rows.permute({2, 0, 3, 1, 4});
    const double scale = 1 / std::sqrt(static_cast<double>(sizes.width / sizes.heads));
    const at::Tensor scores = at::matmul(qkv[0] * scale, qkv[1].transpose(-2, -1));
    const at::Tensor p = at::softmax(autocast ? scores.to(at::kFloat) : scores, -1);
    return Linear(at::matmul(Operand(p), qkv[2]).transpose(1, 2).reshape({images, sizes.tokens(), sizes.width}), name + ".proj");
  }

  // Of x [images, tokens, columns].
  at::Tensor Dropout(const at::Tensor& x, double rate, int64_t layer) const {
    if (rate == 0 || positions.empty()) return x;
    at::Tensor mask = at::ones(x.sizes());
    for (size_t i = 0; i < positions.size(); ++i) {
      const int64_t size = mask[0].numel();
      deit::kernels::Dropout(kernels::DropoutKey{seed, positions[i], static_cast<uint32_t>(layer)}, rate, size,
                             mask.mutable_data_ptr<float>() + static_cast<int64_t>(i) * size);
    }
    return x * mask.to(x.scalar_type());
  }

  at::Tensor Dropped(const at::Tensor& branch, int64_t block, int which) const {
    if (positions.empty()) return branch;
    std::vector<double> scales;
    const double rate = sizes.drop_path * static_cast<double>(block) / static_cast<double>(sizes.depth - 1);
    for (const uint64_t position : positions) scales.push_back(BranchScale(seed, position, block, which, rate));
    return branch * at::tensor(scales).to(branch.scalar_type()).view({-1, 1, 1});
  }

  std::vector<at::Tensor> Forward(const at::Tensor& images) const {
    const at::Tensor patches =
        at::conv2d(Operand(images), Operand(Leaf("patch_embed.proj.weight")), Operand(Leaf("patch_embed.proj.bias")), sizes.patch);
    std::vector<at::Tensor> tokens = {Leaf("cls_token").expand({images.size(0), -1, -1})};
    if (sizes.distilled) tokens.push_back(Leaf("dist_token").expand({images.size(0), -1, -1}));
    tokens.push_back(patches.flatten(2).transpose(1, 2).to(leaves[0].scalar_type()));
    at::Tensor x = Dropout(at::cat(tokens, 1) + Leaf("pos_embed"), sizes.pos_drop, 0);
    if (seen != nullptr) seen->push_back(x);
    for (int64_t block = 0; block < sizes.depth; ++block) {
      const std::string name = "blocks." + std::to_string(block);
      const double rate = sizes.proj_drop;
      const int64_t layer = 1 + 3 * block;
      x = x + Dropped(Dropout(Attention(Norm(x, name + ".norm1"), name + ".attn"), rate, layer), block, 0);
      const at::Tensor hidden = Dropout(at::gelu(Linear(Norm(x, name + ".norm2"), name + ".mlp.fc1")), rate, layer + 1);
      x = x + Dropped(Dropout(Linear(hidden, name + ".mlp.fc2"), rate, layer + 2), block, 1);
      if (seen != nullptr) seen->push_back(x);
    }
    x = Norm(x, "norm");
    std::vector<at::Tensor> logits = {Linear(x.select(1, 0), "head")};
    if (sizes.distilled) logits.push_back(Linear(x.select(1, 1), "head_dist"));
    return logits;
  }
};

}  // namespace deit::nn
