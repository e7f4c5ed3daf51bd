#include "common/models/distillable_t2t_vit.h"

#include "absl/strings/str_cat.h"
#include "common/models/field_error.h"
#include "common/models/transformer.h"
#include "common/models/vit_pytorch.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

constexpr int kMaxLayers = 8;
constexpr int64_t kMaxWidth = 1 << 20;  // values of one token
constexpr int kModulesOfLayer = 4;      // to image, unfold, transpose, transformer

std::string Module(int index) { return absl::StrCat("to_patch_embedding.", index); }

}  // namespace

Network DistillableT2tVit(const v1::ModelSpec& model) {
  NetworkBuilder net(model.in_chans(), model.img_size());
  int x = kImage;
  const int layers = model.t2t_kernels_size();
  for (int layer = 0; layer < layers; ++layer) {
    x = net.Unfold(x, model.t2t_kernels(layer), model.t2t_strides(layer));
    const int64_t width = net.channels(x);
    if (layer + 1 == layers) break;
    x = PlainTransformer(net, Module(kModulesOfLayer * layer + 3), x, {.depth = 1, .heads = 1, .head_dim = width, .hidden = width});
  }
  x = net.DefaultLinear(Module(kModulesOfLayer * layers), x, model.embed_dim());
  x = PlainTransformer(net, "transformer", WithTokens(net, model, x, /*leading=*/1), PlainShapeOf(model));
  net.DefaultLinear("mlp_head", DistilAndPool(net, model, x), model.num_classes());
  return net.Take();
}

Status CheckDistillableT2tVit(const v1::ModelSpec& model) {
  const int layers = model.t2t_kernels_size();
  if (layers > kMaxLayers) return FieldError("t2t_kernels", absl::StrCat(layers, " layers: want at most ", kMaxLayers));
  if (model.t2t_strides_size() != layers) {
    return FieldError("t2t_strides", absl::StrCat(model.t2t_strides_size(), " values: want one for each of the ", layers, " t2t_kernels"));
  }
  int64_t side = model.img_size(), width = model.in_chans();
  for (int layer = 0; layer < layers; ++layer) {
    const int64_t kernel = model.t2t_kernels(layer), stride = model.t2t_strides(layer), padded = side + 2 * (stride / 2);
    if (kernel > padded) {
      return FieldError("t2t_kernels", absl::StrCat(kernel, ": larger than the ", padded, " padded pixels that layer ", layer, " sees"));
    }
    side = (padded - kernel) / stride + 1;
    width *= kernel * kernel;
    if (width > kMaxWidth) {
      return FieldError("t2t_kernels", absl::StrCat("tokens of ", width, " values after layer ", layer, ": want at most ", kMaxWidth));
    }
  }
  return CheckHiddenUnits(model);
}

}  // namespace deit::models
