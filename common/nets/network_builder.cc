#include "common/nets/network_builder.h"

#include <cmath>
#include <utility>

namespace deit::nets {

int NetworkBuilder::Append(Step step) {
  network_.push_back(std::move(step));
  return static_cast<int>(network_.size()) - 1;
}

int NetworkBuilder::Same(Op op, int input, int other) {
  const int64_t width = channels(input);
  return Append({.op = op, .name = "", .input = input, .other = other, .inputs = width, .outputs = width, .side = side(input)});
}

int NetworkBuilder::Convolution(const std::string& name, int input, int64_t outputs, Kernel kernel) {
  const double fan_out = static_cast<double>(kernel.size * kernel.size * outputs) / static_cast<double>(kernel.groups);
  return Append({.op = Op::kConvolution,
                 .name = name,
                 .input = input,
                 .inputs = channels(input),
                 .outputs = outputs,
                 .side = (side(input) - 1) / kernel.stride + 1,
                 .kernel = kernel.size,
                 .stride = kernel.stride,
                 .groups = kernel.groups,
                 .has_bias = kernel.bias,
                 .weight = {Initial::Kind::kNormal, std::sqrt(2 / fan_out)},
                 .bias = {}});
}

int NetworkBuilder::BatchNorm(const std::string& name, int input, double start) {
  const int step = Same(Op::kBatchNorm, input, kImage);
  network_.back().name = name;
  network_.back().weight = {Initial::Kind::kConstant, start};
  return step;
}

int NetworkBuilder::MaxPool(int input) {
  const int step = Same(Op::kMaxPool, input, kImage);
  network_.back().side = (side(input) - 1) / 2 + 1;
  return step;
}

int NetworkBuilder::MeanPool(int input) {
  const int step = Same(Op::kMeanPool, input, kImage);
  network_.back().side = 1;
  return step;
}

int NetworkBuilder::SqueezeExcite(const std::string& reduce, const std::string& expand, int input, int64_t width, Op activation) {
  const int squeezed = Activation(activation, Convolution(reduce, MeanPool(input), width, {.bias = true}));
  return Same(Op::kGate, input, Convolution(expand, squeezed, channels(input), {.bias = true}));
}

int NetworkBuilder::Linear(const std::string& name, int input, int64_t outputs, Initial weight, Initial bias) {
  return Append({.op = Op::kLinear,
                 .name = name,
                 .input = input,
                 .inputs = channels(input),
                 .outputs = outputs,
                 .side = 1,
                 .has_bias = true,
                 .weight = weight,
                 .bias = bias});
}

}  // namespace deit::nets
