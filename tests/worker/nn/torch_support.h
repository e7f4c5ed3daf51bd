// Support for tests of models: values for a model's tensors, a sink that remembers, errors relative to a norm.
#pragma once

#include <cmath>
#include <map>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "worker/nn/model.h"

namespace deit::nn {

// One thread, as results depend on their number and tests run side by side.
inline void UseOneThread() { at::set_num_threads(1); }

class RecordingSink final : public GradientSink {
 public:
  void Accept(int tensor, const at::Tensor& gradient) override {
    order.push_back(tensor);
    gradients[tensor] = gradient.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  }

  std::vector<int> order;
  std::map<int, at::Tensor> gradients;  // fp64
};

// Initial values, as fp32 tensors.
inline std::vector<at::Tensor> InitialValues(const Model& model, uint64_t seed) {
  std::vector<at::Tensor> values;
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const models::TensorSpec& spec = model.tensors()[i];
    at::Tensor value = at::empty(spec.shape, at::TensorOptions().dtype(at::kFloat));
    const Status status = models::InitialiseTensor(spec, static_cast<int>(i), seed, value.mutable_data_ptr<float>());
    DEIT_CHECK(status.ok(), status.message());
    values.push_back(value);
  }
  return values;
}

// As Model::Forward wants them: GEMM operands in the compute precision.
inline std::vector<at::Tensor> Rounded(const Model& model, const std::vector<at::Tensor>& values, at::ScalarType compute) {
  std::vector<at::Tensor> rounded;
  for (size_t i = 0; i < values.size(); ++i) rounded.push_back(model.tensors()[i].compute_precision ? values[i].to(compute) : values[i]);
  return rounded;
}

// sin(step * i), of the given shape, fp32.
inline at::Tensor Wave(at::IntArrayRef shape, double step) {
  at::Tensor wave = at::empty(shape, at::TensorOptions().dtype(at::kDouble));
  double* const data = wave.mutable_data_ptr<double>();
  for (int64_t i = 0; i < wave.numel(); ++i) data[i] = std::sin(step * static_cast<double>(i));
  return wave.to(at::kFloat);
}

// |a - b| / |b|.
inline double RelativeError(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor reference = b.to(at::kDouble);
  return (a.to(at::kDouble) - reference).norm().item<double>() / reference.norm().item<double>();
}

}  // namespace deit::nn
