#include "common/models/model_tensors.h"

#include "common/models/model_catalog.h"
#include "common/models/network_tensors.h"
#include "proto/spec.pb.h"

namespace deit::models {

TransformerSizes TransformerSizesOf(const v1::ModelSpec& resolved) {
  return {.classes = resolved.num_classes(),
          .image = resolved.img_size(),
          .channels = resolved.in_chans(),
          .patch = resolved.patch_size(),
          .width = resolved.embed_dim(),
          .depth = resolved.depth(),
          .heads = resolved.num_heads(),
          .hidden = static_cast<int64_t>(resolved.embed_dim() * resolved.mlp_ratio()),
          .drop_path = resolved.drop_path(),
          .pos_drop = resolved.pos_drop_rate(),
          .proj_drop = resolved.proj_drop_rate(),
          .distilled = IsDistilled(resolved)};
}

std::vector<TensorSpec> TensorsOf(const v1::ModelSpec& resolved) {
  const Network network = NetworkOf(resolved);
  return network.empty() ? ListTensors(TransformerSizesOf(resolved)).tensors : ListTensors(network).tensors;
}

}  // namespace deit::models
