#include "worker/engine/leaves.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <cstring>
#include <memory>

namespace deit::engine {
namespace {

using models::TensorRole;

class GiveGradient final : public torch::autograd::PostAccumulateGradHook {
 public:
  GiveGradient(int tensor, AccumulatorSink* sink) : tensor_(tensor), sink_(sink) {}
  void operator()(const torch::autograd::Variable& leaf) override {
    sink_->Accept(tensor_, leaf.grad());
    leaf.mutable_grad().reset();
  }

 private:
  int tensor_;
  AccumulatorSink* sink_;
};

bool IsStatistic(const models::TensorSpec& tensor) {
  return tensor.role == TensorRole::kRunningMean || tensor.role == TensorRole::kRunningVar;
}

at::Tensor View(const models::TensorSpec& tensor, const train::StateView& state, int64_t offset) {
  // from_blob takes a pointer to non-const; nothing writes through these views.
  if (tensor.compute_precision && state.compute_weights) {
    return at::from_blob(const_cast<uint16_t*>(state.compute_weights) + offset, tensor.shape, at::kBFloat16);
  }
  return at::from_blob(const_cast<float*>(state.weights) + offset, tensor.shape, at::kFloat);
}

}  // namespace

void AccumulatorSink::Accept(int tensor, const at::Tensor& gradient) {
  const at::Tensor dense = gradient.contiguous();
  if (dense.scalar_type() == at::kBFloat16) {
    accumulator->Accept(tensor, static_cast<const update::BFloat16Bits*>(dense.const_data_ptr()));
  } else {
    accumulator->Accept(tensor, dense.const_data_ptr<float>());
  }
  if (gradient_done) gradient_done();
}

std::vector<at::Tensor> MakeLeaves(const std::vector<models::TensorSpec>& tensors, const train::StateView& state, AccumulatorSink* sink) {
  std::vector<at::Tensor> values;
  for (size_t t = 0; t < tensors.size(); ++t) {
    const models::TensorSpec& tensor = tensors[t];
    if (IsStatistic(tensor)) {
      values.push_back(at::zeros(tensor.shape, at::kFloat));
    } else if (tensor.role == TensorRole::kBatchesTracked) {
      values.push_back(at::zeros(tensor.shape, at::kLong));
    } else {
      values.push_back(View(tensor, state, state.offset[t]));
      if (!sink || tensor.direct_gradient) continue;
      values.back().requires_grad_(true);
      torch::autograd::impl::set_post_acc_grad_hooks(values.back(), std::make_unique<GiveGradient>(static_cast<int>(t), sink));
    }
  }
  return values;
}

void CopyBuffers(const std::vector<models::TensorSpec>& tensors, const train::StateView& state, const std::vector<at::Tensor>& values) {
  for (size_t t = 0; t < tensors.size(); ++t) {
    if (!IsStatistic(tensors[t])) continue;
    std::memcpy(values[t].mutable_data_ptr(), state.buffers + state.offset[t], static_cast<size_t>(tensors[t].size()) * sizeof(float));
  }
}

}  // namespace deit::engine
