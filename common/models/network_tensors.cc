#include "common/models/network_tensors.h"

#include <string>
#include <utility>

namespace deit::models {
namespace {

void SetInitial(const Initial& initial, TensorSpec& tensor) {
  switch (initial.kind) {
    case Initial::Kind::kConstant: tensor.init = initial.scale == 0 ? Init::kZeros : Init::kOnes; return;
    case Initial::Kind::kNormal: tensor.init = Init::kNormal; break;
    case Initial::Kind::kUniform: tensor.init = Init::kUniform; break;
  }
  tensor.scale = initial.scale;
}

void AddParameter(std::string name, std::vector<int64_t> shape, const Initial& initial, bool operand, std::vector<TensorSpec>& tensors) {
  TensorSpec tensor{.name = std::move(name), .shape = std::move(shape), .compute_precision = operand};
  tensor.decay = tensor.shape.size() > 1;
  SetInitial(initial, tensor);
  tensors.push_back(std::move(tensor));
}

void AddTokens(const Step& step, std::vector<TensorSpec>& tensors) {
  std::vector<int64_t> shape(static_cast<size_t>(step.leading), 1);
  shape.insert(shape.end(), {step.op == Op::kPositions ? step.tokens : 1, step.outputs});
  AddParameter(step.name, std::move(shape), step.weight, false, tensors);
  tensors.back().decay = false;
}

void AddTensors(const Step& step, std::vector<TensorSpec>& tensors) {
  if (step.name.empty()) return;
  if (step.op == Op::kBatchNorm) {
    AddParameter(step.name + ".weight", {step.outputs}, step.weight, false, tensors);
    AddParameter(step.name + ".bias", {step.outputs}, step.bias, false, tensors);
    tensors.push_back({.name = step.name + ".running_mean", .shape = {step.outputs}, .role = TensorRole::kRunningMean});
    tensors.push_back({.name = step.name + ".running_var", .shape = {step.outputs}, .role = TensorRole::kRunningVar, .init = Init::kOnes});
    tensors.push_back({.name = step.name + ".num_batches_tracked", .shape = {}, .role = TensorRole::kBatchesTracked});
    return;
  }
  if (step.op == Op::kLayerNorm) {
    AddParameter(step.name + ".weight", {step.outputs}, step.weight, false, tensors);
    AddParameter(step.name + ".bias", {step.outputs}, step.bias, false, tensors);
    return;
  }
  if (step.op == Op::kPrepend || step.op == Op::kAppend || step.op == Op::kPositions) return AddTokens(step, tensors);
  if (step.op == Op::kNystromAttention) {
    return AddParameter(step.name + ".weight", {step.heads, 1, step.kernel, 1}, step.weight, false, tensors);
  }
  std::vector<int64_t> shape = {step.outputs, step.inputs / step.groups};
  if (step.op == Op::kConvolution) shape.insert(shape.end(), {step.kernel, step.kernel});
  AddParameter(step.name + ".weight", std::move(shape), step.weight, true, tensors);
  if (step.has_bias) AddParameter(step.name + ".bias", {step.outputs}, step.bias, true, tensors);
}

}  // namespace

NetworkTensors ListTensors(const Network& network) {
  NetworkTensors list;
  for (const Step& step : network) {
    list.first.push_back(list.tensors.size());
    AddTensors(step, list.tensors);
  }
  return list;
}

}  // namespace deit::models
