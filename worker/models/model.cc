#include "worker/models/model.h"

#include <utility>

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>

#include "common/spec/model_catalog.h"
#include "proto/spec.pb.h"
#include "worker/models/convnet.h"
#include "worker/models/vit.h"

namespace deit::models {
namespace {

TransformerSizes TransformerSizesOf(const v1::ModelSpec& spec) {
  return {.classes = spec.num_classes(),
          .image = spec.img_size(),
          .channels = spec.in_chans(),
          .patch = spec.patch_size(),
          .width = spec.embed_dim(),
          .depth = spec.depth(),
          .heads = spec.num_heads(),
          .hidden = static_cast<int64_t>(spec.embed_dim() * spec.mlp_ratio()),
          .drop_path = spec.drop_path(),
          .distilled = spec::IsDistilled(spec)};
}

}  // namespace

at::Tensor FusedLogits(const Outputs& outputs) {
  return outputs.head_dist.defined() ? at::mul(at::add(outputs.head, outputs.head_dist), 0.5) : outputs.head;
}

StatusOr<std::unique_ptr<Model>> NewModel(const v1::ModelSpec& model, v1::Precision precision) {
  DEIT_ASSIGN_OR_RETURN(const v1::ModelSpec spec, spec::ResolveModel(model));
  const at::ScalarType compute = precision == v1::BF16 ? at::kBFloat16 : at::kFloat;
  if (spec::FamilyOf(spec) != spec::Family::kConvnet) return NewTransformer(TransformerSizesOf(spec), compute);
  return NewConvNet({.classes = spec.num_classes(), .channels = spec.in_chans(), .widths = {spec.widths().begin(), spec.widths().end()}},
                    compute);
}

}  // namespace deit::models
