// Catalog of models: names, sizes and costs. Two kinds of names: families of any size (vit, deit, deit_distilled, convnet, resnet, regnety,
// efficientnet, and vit-pytorch's distillable_vit, distillable_t2t_vit, distillable_efficient_vit) and published sizes under timm's names
// (deit_tiny_distilled_patch16_224). A new size is one line of the table in model_catalog.cc; a new family of networks is one file in
// common/models besides.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/models/network.h"
#include "proto/spec.pb.h"

namespace deit::models {

// Transformers: patches by a convolution, class token (kDeitDistilled: and distillation token, second head), learned positions,
// pre-norm blocks, qkv with bias, MLP of int(embed_dim * mlp_ratio), as timm's VisionTransformer. kVit and kDeit are the same net.
// The others are networks (network.h).
enum class Family {
  kVit,
  kDeit,
  kDeitDistilled,
  kConvnet,
  kResnet,
  kRegnety,
  kEfficientnet,
  kDistillableVit,
  kDistillableT2tVit,
  kDistillableEfficientVit,
};

// Whether the family is vit-pytorch's (kDistillable...), with its tensors' names and its distillation token.
bool IsVitPytorch(Family family);

struct CatalogEntry {
  std::string name;
  Family family;
  v1::ModelSpec sizes;  // complete, with 1000 classes and 3 channels (as the published weights)
};

// Families first, then published sizes from small to large. Immutable.
const std::vector<CatalogEntry>& ModelCatalog();

// The entry of that name, or null.
const CatalogEntry* FindModel(absl::string_view name);

// `model` with every field of its family set: those that it sets, else the published ones (families have those of their smallest
// published size; convnet widths 16, 32, 64; vit-pytorch's those of its README). Fields of another kind of model stay unset. Errors are
// InvalidArgument and begin with the field ("name: ..."): unknown name (nearest suggested), a field that the family does not have, sizes
// that the family refuses (its file in common/models), more than 100 billion parameters.
StatusOr<v1::ModelSpec> ResolveModel(const v1::ModelSpec& model);

// The family of a resolved model, and whether it has a distillation token and a second head (vit-pytorch's: in training only).
Family FamilyOf(const v1::ModelSpec& resolved);
bool IsDistilled(const v1::ModelSpec& resolved);

// What a resolved model computes; empty for kVit, kDeit and kDeitDistilled.
Network NetworkOf(const v1::ModelSpec& resolved);

// Trained numbers (weights, biases, tokens, positions, norms' scales and shifts; not running statistics).
int64_t ParameterCount(const v1::ModelSpec& resolved);

// Multiply-accumulates of one image's forward pass in convolutions, linear layers and attention products, as published tables count.
double MacCount(const v1::ModelSpec& resolved);

}  // namespace deit::models
