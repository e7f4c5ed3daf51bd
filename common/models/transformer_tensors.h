// Sizes and tensor list of a vision transformer: timm's names in timm's state-dict order. Torch-free.
#pragma once

#include <cstdint>
#include <vector>

#include "common/models/tensor_spec.h"

namespace deit::models {

struct TransformerSizes {
  int64_t classes;
  int64_t image;  // pixels, square; a multiple of patch
  int64_t channels;
  int64_t patch;
  int64_t width;  // embed_dim; a multiple of heads
  int64_t depth;  // blocks, at least 1
  int64_t heads;
  int64_t hidden;    // of the MLPs
  double drop_path;  // of the last block; falls linearly to 0 at the first (timm); per image and branch
  double pos_drop;   // dropout of all tokens after the position embedding
  double proj_drop;  // in each block: after the attention's projection, after the MLP's activation, after its second layer
  bool distilled;

  int64_t patches() const { return (image / patch) * (image / patch); }
  int64_t prefix() const { return distilled ? 2 : 1; }  // tokens before the patches: class, distillation; each has a head
  int64_t tokens() const { return patches() + prefix(); }
  int64_t patch_size() const { return channels * patch * patch; }  // values of one patch
};

struct TransformerTensors {
  std::vector<TensorSpec> tensors;
  // Their indices in the list.
  int class_token = 0;
  int pos_embed = 1;
  int dist_token = -1;  // none
  int patch_weight = 0;
  int patch_bias = 0;
  int first_block = 0;     // 12 tensors each
  int norm = 0;            // its bias follows
  std::vector<int> heads;  // each one's weight; its bias follows
};

// Initial values and weight-decay groups are DeiT's own (main.py with timm 0.3.2): every token is N(0, 0.02), the patch convolution keeps
// PyTorch's uniform default, and dist_token decays while cls_token and pos_embed do not. All gradients are direct.
TransformerTensors ListTensors(const TransformerSizes& sizes);

}  // namespace deit::models
