#include "common/models/distillable_efficient_vit.h"

#include "absl/strings/str_cat.h"
#include "common/base/numbers.h"
#include "common/models/transformer.h"
#include "common/models/vit_pytorch.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

constexpr int64_t kMlpRatio = 4, kKernel = 33;  // nystrom-attention's

int Nystromformer(NetworkBuilder& net, int x, const v1::ModelSpec& model) {
  const int64_t width = model.embed_dim(), heads = model.num_heads();
  for (int block = 0; block < model.depth(); ++block) {
    const std::string attention = absl::StrCat("transformer.layers.", block, ".0"), mlp = absl::StrCat("transformer.layers.", block, ".1");
    int y = net.LayerNorm(attention + ".norm", x);
    y = net.DefaultLinear(attention + ".fn.to_qkv", y, 3 * heads * model.head_dim(), /*bias=*/false);
    y = net.NystromAttention(attention + ".fn.res_conv", y, heads, model.num_landmarks(), kKernel);
    x = net.Add(net.DefaultLinear(attention + ".fn.to_out.0", y, width), x);
    x = PlainMlp(net, x, kMlpRatio * width, mlp + ".norm", mlp + ".fn.net.0", mlp + ".fn.net.3");
  }
  return x;
}

}  // namespace

Network DistillableEfficientVit(const v1::ModelSpec& model) {
  NetworkBuilder net(model.in_chans(), model.img_size());
  int x = WithTokens(net, model, NormedPatches(net, model), /*leading=*/1);
  const bool plain = model.transformer() == v1::ModelSpec::PLAIN;
  x = plain ? PlainTransformer(net, "transformer", x, PlainShapeOf(model)) : Nystromformer(net, x, model);
  x = net.LayerNorm("mlp_head.0", DistilAndPool(net, model, x));
  net.DefaultLinear("mlp_head.1", x, model.num_classes());
  return net.Take();
}

Status CheckDistillableEfficientVit(const v1::ModelSpec& model) {
  if (model.transformer() == v1::ModelSpec::NYSTROMFORMER && model.mlp_ratio() != kMlpRatio) {
    return absl::InvalidArgumentError(
        absl::StrCat("mlp_ratio: ", RoundTripText(model.mlp_ratio()), ": a NYSTROMFORMER's is ", kMlpRatio, ": set transformer to PLAIN"));
  }
  return CheckNormedPatches(model);
}

}  // namespace deit::models
