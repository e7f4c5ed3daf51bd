#include "worker/nn/model.h"

#include <utility>

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>

#include "common/models/activation_size.h"
#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "proto/spec.pb.h"
#include "worker/nn/network_model.h"
#include "worker/nn/vit.h"

namespace deit::nn {

at::Tensor FusedLogits(const Outputs& outputs) {
  return outputs.head_dist.defined() ? at::mul(at::add(outputs.head, outputs.head_dist), 0.5) : outputs.head;
}

StatusOr<std::unique_ptr<Model>> NewModel(const v1::ModelSpec& model, v1::Precision precision) {
  DEIT_ASSIGN_OR_RETURN(const v1::ModelSpec spec, models::ResolveModel(model));
  const at::ScalarType compute = precision == v1::BF16 ? at::kBFloat16 : at::kFloat;
  models::Network network = models::NetworkOf(spec);
  const int64_t images_per_pass = models::ImagesPerPass(spec);
  if (network.empty()) return NewTransformer(models::TransformerSizesOf(spec), compute, images_per_pass);
  return NewNetworkModel(std::move(network), compute, images_per_pass);
}

}  // namespace deit::nn
