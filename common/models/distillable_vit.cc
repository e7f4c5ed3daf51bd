#include "common/models/distillable_vit.h"

#include "common/models/vit_pytorch.h"
#include "proto/spec.pb.h"

namespace deit::models {

Network DistillableVit(const v1::ModelSpec& model) {
  NetworkBuilder net(model.in_chans(), model.img_size());
  const int tokens = WithTokens(net, model, NormedPatches(net, model), /*leading=*/0);
  const int x = PlainTransformer(net, "transformer", tokens, PlainShapeOf(model));
  net.DefaultLinear("mlp_head", DistilAndPool(net, model, x), model.num_classes());
  return net.Take();
}

Status CheckDistillableVit(const v1::ModelSpec& model) { return CheckNormedPatches(model); }

}  // namespace deit::models
