#include "worker/models/model.h"

#include <utility>

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>

#include "common/spec/model_catalog.h"
#include "proto/spec.pb.h"
#include "worker/models/model_tensors.h"
#include "worker/models/network_model.h"
#include "worker/models/vit.h"

namespace deit::models {

at::Tensor FusedLogits(const Outputs& outputs) {
  return outputs.head_dist.defined() ? at::mul(at::add(outputs.head, outputs.head_dist), 0.5) : outputs.head;
}

StatusOr<std::unique_ptr<Model>> NewModel(const v1::ModelSpec& model, v1::Precision precision) {
  DEIT_ASSIGN_OR_RETURN(const v1::ModelSpec spec, spec::ResolveModel(model));
  const at::ScalarType compute = precision == v1::BF16 ? at::kBFloat16 : at::kFloat;
  nets::Network network = spec::NetworkOf(spec);
  if (network.empty()) return NewTransformer(TransformerSizesOf(spec), compute);
  return NewNetworkModel(std::move(network), compute);
}

}  // namespace deit::models
