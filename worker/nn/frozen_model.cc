#include "worker/nn/frozen_model.h"

#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "common/models/activation_size.h"
#include "common/models/folding.h"
#include "common/models/model_catalog.h"
#include "common/models/network_tensors.h"
#include "proto/spec.pb.h"
#include "worker/nn/network_model.h"

namespace deit::nn {
namespace {

StatusOr<at::Tensor> Read(const ReadTensor& read, const std::vector<models::TensorSpec>& tensors, size_t t) {
  at::Tensor value = at::empty(tensors[t].shape, at::TensorOptions().dtype(at::kFloat));
  DEIT_RETURN_IF_ERROR(read(t, value.mutable_data_ptr<float>()));
  return value;
}

// As it is, in the precision that its use asks for.
StatusOr<at::Tensor> ReadPlain(const ReadTensor& read, const std::vector<models::TensorSpec>& tensors, size_t t, at::ScalarType compute) {
  if (tensors[t].role == models::TensorRole::kBatchesTracked) return at::zeros(tensors[t].shape, at::TensorOptions().dtype(at::kLong));
  DEIT_ASSIGN_OR_RETURN(const at::Tensor value, Read(read, tensors, t));
  return tensors[t].compute_precision ? value.to(compute) : value;
}

at::Tensor LaidOut(const at::Tensor& kernel) { return kernel.contiguous(at::MemoryFormat::ChannelsLast); }

// Kernel and bias of a convolution whose kernel is tensor `kernel`, with the batch norm whose first tensor is `norm`.
Status AddFolded(const ReadTensor& read, const std::vector<models::TensorSpec>& tensors, size_t kernel, size_t norm, at::ScalarType compute,
                 std::vector<at::Tensor>& values) {
  std::vector<at::Tensor> of_norm;  // scale, shift, mean, variance
  for (size_t i = 0; i < 4; ++i) {
    DEIT_ASSIGN_OR_RETURN(const at::Tensor value, Read(read, tensors, norm + i));
    of_norm.push_back(value.to(at::kDouble));
  }
  const at::Tensor factor = of_norm[0] / (of_norm[3] + models::kBatchNormEps).sqrt();
  DEIT_ASSIGN_OR_RETURN(at::Tensor weights, Read(read, tensors, kernel));
  values.push_back(LaidOut(weights.mul_(factor.to(at::kFloat).view({-1, 1, 1, 1})).to(compute)));
  values.push_back((of_norm[1] - of_norm[2] * factor).to(compute));
  return absl::OkStatus();
}

StatusOr<FrozenModel> Folded(const models::Network& network, at::ScalarType compute, int64_t images_per_pass, const ReadTensor& read) {
  models::Folding folding = models::FoldBatchNorms(network);
  const models::NetworkTensors original = models::ListTensors(network), folded = models::ListTensors(folding.network);
  FrozenModel frozen;
  for (size_t s = 0; s < folding.network.size(); ++s) {
    const models::FoldedStep& origin = folding.origins[s];
    const size_t first = original.first[static_cast<size_t>(origin.step)];
    if (origin.norm >= 0) {
      const size_t norm = original.first[static_cast<size_t>(origin.norm)];
      DEIT_RETURN_IF_ERROR(AddFolded(read, original.tensors, first, norm, compute, frozen.values));
      continue;
    }
    const size_t end = s + 1 < folded.first.size() ? folded.first[s + 1] : folded.tensors.size();
    for (size_t i = 0; i < end - folded.first[s]; ++i) {
      DEIT_ASSIGN_OR_RETURN(const at::Tensor value, ReadPlain(read, original.tensors, first + i, compute));
      frozen.values.push_back(value.dim() == 4 ? LaidOut(value) : value);
    }
  }
  frozen.model = NewNetworkModel(std::move(folding.network), compute, images_per_pass);
  return frozen;
}

}  // namespace

StatusOr<FrozenModel> NewFrozenModel(const v1::ModelSpec& model, v1::Precision precision, const ReadTensor& read) {
  const at::ScalarType compute = precision == v1::BF16 ? at::kBFloat16 : at::kFloat;
  const models::Network network = models::NetworkOf(model);
  if (!network.empty()) return Folded(network, compute, models::ImagesPerPass(model), read);
  FrozenModel frozen;
  DEIT_ASSIGN_OR_RETURN(frozen.model, NewModel(model, precision));
  for (size_t t = 0; t < frozen.model->tensors().size(); ++t) {
    DEIT_ASSIGN_OR_RETURN(const at::Tensor value, ReadPlain(read, frozen.model->tensors(), t, compute));
    frozen.values.push_back(value);
  }
  return frozen;
}

}  // namespace deit::nn
