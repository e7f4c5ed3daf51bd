// Shared parts of the students of vit-pytorch 1.26 (github.com/lucidrains/vit-pytorch: vit.py, t2t.py, efficient.py, distill.py), under its
// tensors' names: heads of any width, no bias of queries, keys and values, LayerNorm of eps 1e-5, all starting as PyTorch's layers do.
// Pooled by the class token, without dropout.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/models/network_builder.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

struct PlainShape {
  int64_t depth;
  int64_t heads;
  int64_t head_dim;
  int64_t hidden;  // of the MLPs
};

PlainShape PlainShapeOf(const v1::ModelSpec& model);

// vit.py's Transformer over tokens `x`, its last LayerNorm with it. One head as wide as the tokens has no projection behind it.
int PlainTransformer(NetworkBuilder& net, const std::string& name, int x, const PlainShape& shape);

// LayerNorm, Linear, GELU, Linear, added to `x`. `norm`, `first`, `second`: names.
int PlainMlp(NetworkBuilder& net, int x, int64_t hidden, const std::string& norm, const std::string& first, const std::string& second);

// Of the image: squares, LayerNorm, Linear, LayerNorm, under to_patch_embedding.
int NormedPatches(NetworkBuilder& net, const v1::ModelSpec& model);

// cls_token before `x`, pos_embedding, and behind them in training distillation_token, which has no position. Where the tokens have a
// `leading` extent of 1 the original's DistillWrapper has failed since December 2025, because it wants none; before, it did this.
int WithTokens(NetworkBuilder& net, const v1::ModelSpec& model, int x, int leading);

// What DistillWrapper does with the last token, and then the class token.
int DistilAndPool(NetworkBuilder& net, const v1::ModelSpec& model, int x);

// Whether a tensor is DistillWrapper's and not the student's.
bool IsDistillWrappers(absl::string_view tensor);

// Squares that do not fill the image, an MLP without a hidden unit. Errors begin with the field.
Status CheckNormedPatches(const v1::ModelSpec& model);

}  // namespace deit::models
