#include "common/models/vit_pytorch.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/models/transformer.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

int PlainAttention(NetworkBuilder& net, const std::string& name, int x, const PlainShape& shape) {
  const int64_t width = net.channels(x), inner = shape.heads * shape.head_dim;
  int y = net.DefaultLinear(name + ".to_qkv", net.LayerNorm(name + ".norm", x), 3 * inner, /*bias=*/false);
  y = net.Attention(y, shape.heads);
  if (shape.heads > 1 || inner != width) y = net.DefaultLinear(name + ".to_out.0", y, width);
  return net.Add(y, x);
}

}  // namespace

PlainShape PlainShapeOf(const v1::ModelSpec& model) {
  return {.depth = model.depth(), .heads = model.num_heads(), .head_dim = model.head_dim(), .hidden = HiddenUnits(model)};
}

int PlainMlp(NetworkBuilder& net, int x, int64_t hidden, const std::string& norm, const std::string& first, const std::string& second) {
  const int64_t width = net.channels(x);
  const int y = net.Gelu(net.DefaultLinear(first, net.LayerNorm(norm, x), hidden));
  return net.Add(net.DefaultLinear(second, y, width), x);
}

int PlainTransformer(NetworkBuilder& net, const std::string& name, int x, const PlainShape& shape) {
  for (int64_t block = 0; block < shape.depth; ++block) {
    const std::string layer = absl::StrCat(name, ".layers.", block);
    x = PlainAttention(net, layer + ".0", x, shape);
    x = PlainMlp(net, x, shape.hidden, layer + ".1.net.0", layer + ".1.net.1", layer + ".1.net.4");
  }
  return net.LayerNorm(name + ".norm", x);
}

int NormedPatches(NetworkBuilder& net, const v1::ModelSpec& model) {
  const int patches = net.LayerNorm("to_patch_embedding.1", net.Patches(kImage, model.patch_size()));
  return net.LayerNorm("to_patch_embedding.3", net.DefaultLinear("to_patch_embedding.2", patches, model.embed_dim()));
}

int WithTokens(NetworkBuilder& net, const v1::ModelSpec& model, int x, int leading) {
  x = net.Positions("pos_embedding", net.Prepend("cls_token", x, leading), leading);
  return model.distillation_token() ? net.AppendInTraining("distillation_token", x) : x;
}

int DistilAndPool(NetworkBuilder& net, const v1::ModelSpec& model, int x) {
  if (model.distillation_token()) net.DistilLastToken("distill_mlp.1", x, model.num_classes());
  return net.First(x);
}

bool IsDistillWrappers(absl::string_view tensor) { return absl::StartsWith(tensor, "distill"); }

Status CheckNormedPatches(const v1::ModelSpec& model) {
  DEIT_RETURN_IF_ERROR(CheckPatchSize(model));
  return CheckHiddenUnits(model);
}

}  // namespace deit::models
