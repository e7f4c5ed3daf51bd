#include "worker/models/model.h"

#include <string>

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>

#include "absl/strings/match.h"
#include "proto/spec.pb.h"
#include "worker/models/convnet.h"
#include "worker/models/vit.h"

namespace deit::models {
namespace {

Status Misfit(const v1::ModelSpec& spec, absl::string_view field, int64_t value, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat("model.", field, ": ", value, ": ", rule, " (model ", spec.name(), ")"));
}

StatusOr<std::unique_ptr<Model>> TransformerOf(const v1::ModelSpec& spec, at::ScalarType compute) {
  if (spec.img_size() % spec.patch_size() != 0) {
    return Misfit(spec, "img_size", spec.img_size(), absl::StrCat("must be a multiple of patch_size ", spec.patch_size()));
  }
  if (spec.embed_dim() % spec.num_heads() != 0) {
    return Misfit(spec, "embed_dim", spec.embed_dim(), absl::StrCat("must be a multiple of num_heads ", spec.num_heads()));
  }
  const int64_t hidden = static_cast<int64_t>(spec.embed_dim() * spec.mlp_ratio());
  if (hidden < 1) return Misfit(spec, "embed_dim", spec.embed_dim(), "times mlp_ratio must be at least 1");
  return NewTransformer({.classes = spec.num_classes(), .image = spec.img_size(), .channels = spec.in_chans(), .patch = spec.patch_size(),
                         .width = spec.embed_dim(), .depth = spec.depth(), .heads = spec.num_heads(), .hidden = hidden,
                         .drop_path = spec.drop_path(), .distilled = absl::StrContains(spec.name(), "_distilled")},
                        compute);
}

StatusOr<std::unique_ptr<Model>> ConvNetOf(const v1::ModelSpec& spec, at::ScalarType compute) {
  if (spec.widths().empty()) return absl::InvalidArgumentError("model.widths: empty: a convnet needs at least one stage");
  return NewConvNet({.classes = spec.num_classes(), .channels = spec.in_chans(), .widths = {spec.widths().begin(), spec.widths().end()}},
                    compute);
}

}  // namespace

at::Tensor FusedLogits(const Outputs& outputs) {
  return outputs.head_dist.defined() ? at::mul(at::add(outputs.head, outputs.head_dist), 0.5) : outputs.head;
}

StatusOr<std::unique_ptr<Model>> NewModel(const v1::ModelSpec& resolved, v1::Precision precision) {
  const at::ScalarType compute = precision == v1::BF16 ? at::kBFloat16 : at::kFloat;
  if (resolved.name() == "convnet") return ConvNetOf(resolved, compute);
  if (absl::StartsWith(resolved.name(), "deit") || absl::StartsWith(resolved.name(), "vit")) return TransformerOf(resolved, compute);
  return absl::InvalidArgumentError(absl::StrCat("model.name: ", resolved.name(), ": no such model"));
}

}  // namespace deit::models
