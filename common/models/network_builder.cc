#include "common/models/network_builder.h"

#include <cmath>
#include <utility>

namespace deit::models {
namespace {
constexpr Initial kStandardNormal = {Initial::Kind::kNormal, 1};
}  // namespace

int NetworkBuilder::Append(Step step) {
  network_.push_back(std::move(step));
  return static_cast<int>(network_.size()) - 1;
}

int NetworkBuilder::Same(Op op, int input, int other) {
  const int64_t width = channels(input);
  return Append({.op = op,
                 .name = "",
                 .input = input,
                 .other = other,
                 .inputs = width,
                 .outputs = width,
                 .side = side(input),
                 .tokens = tokens(input)});
}

int NetworkBuilder::Named(Op op, const std::string& name, int input, Initial weight) {
  const int step = Same(op, input, kImage);
  network_.back().name = name;
  network_.back().weight = weight;
  return step;
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
  return Named(Op::kBatchNorm, name, input, {Initial::Kind::kConstant, start});
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
                 .side = tokens(input) > 0 ? 0 : 1,
                 .tokens = tokens(input),
                 .has_bias = true,
                 .weight = weight,
                 .bias = bias});
}

int NetworkBuilder::DefaultLinear(const std::string& name, int input, int64_t outputs, bool bias) {
  const Initial start = {Initial::Kind::kUniform, 1 / std::sqrt(static_cast<double>(channels(input)))};
  const int step = Linear(name, input, outputs, start, start);
  network_.back().has_bias = bias;
  return step;
}

int NetworkBuilder::Patches(int input, int64_t size) {
  const int64_t squares = side(input) / size;
  return Append({.op = Op::kPatches,
                 .name = "",
                 .input = input,
                 .inputs = channels(input),
                 .outputs = channels(input) * size * size,
                 .tokens = squares * squares,
                 .kernel = size});
}

int NetworkBuilder::Unfold(int input, int64_t size, int64_t stride) {
  if (tokens(input) > 0) {
    input = Same(Op::kGrid, input, kImage);
    network_.back().side = std::llround(std::sqrt(static_cast<double>(tokens(input))));
    network_.back().tokens = 0;
  }
  const int64_t squares = (side(input) + 2 * (stride / 2) - size) / stride + 1;
  return Append({.op = Op::kUnfold,
                 .name = "",
                 .input = input,
                 .inputs = channels(input),
                 .outputs = channels(input) * size * size,
                 .tokens = squares * squares,
                 .kernel = size,
                 .stride = stride});
}

int NetworkBuilder::LayerNorm(const std::string& name, int input) {
  return Named(Op::kLayerNorm, name, input, {Initial::Kind::kConstant, 1});
}

int NetworkBuilder::Prepend(const std::string& name, int input, int leading) {
  const int step = Named(Op::kPrepend, name, input, kStandardNormal);
  ++network_.back().tokens;
  network_.back().leading = leading;
  return step;
}

int NetworkBuilder::Positions(const std::string& name, int input, int leading) {
  const int step = Named(Op::kPositions, name, input, kStandardNormal);
  network_.back().leading = leading;
  return step;
}

int NetworkBuilder::First(int input) {
  const int step = Same(Op::kFirst, input, kImage);
  network_.back().tokens = 0;
  return step;
}

int NetworkBuilder::Attention(int input, int64_t heads) {
  const int step = Same(Op::kAttention, input, kImage);
  network_.back().outputs = channels(input) / 3;
  network_.back().heads = heads;
  return step;
}

int NetworkBuilder::NystromAttention(const std::string& name, int input, int64_t heads, int64_t landmarks, int64_t kernel) {
  const int step = Named(Op::kNystromAttention, name, input, {Initial::Kind::kUniform, 1 / std::sqrt(static_cast<double>(kernel))});
  network_.back().outputs = channels(input) / 3;
  network_.back().heads = heads;
  network_.back().landmarks = landmarks;
  network_.back().kernel = kernel;
  return step;
}

int NetworkBuilder::AppendInTraining(const std::string& name, int input) {
  const int step = Named(Op::kAppend, name, input, kStandardNormal);
  ++network_.back().tokens;
  network_.back().training_only = true;
  return step;
}

void NetworkBuilder::DistilLastToken(const std::string& name, int input, int64_t classes) {
  const int last = Same(Op::kLast, input, kImage);
  network_.back().tokens = 0;
  network_.back().training_only = true;
  DefaultLinear(name, last, classes);
  network_.back().training_only = true;
}

}  // namespace deit::models
