// Builds a Network step by step. Each method appends one step (SqueezeExcite and Unfold several) and returns the number of the step with
// the result, to be given to later ones.
#pragma once

#include <cstdint>
#include <string>

#include "common/models/network.h"

namespace deit::models {

class NetworkBuilder {
 public:
  // Of the image.
  NetworkBuilder(int64_t channels, int64_t side) : channels_(channels), side_(side) {}

  struct Kernel {
    int64_t size = 1;  // odd
    int64_t stride = 1;
    int64_t groups = 1;  // divides inputs and outputs
    bool bias = false;   // starts at 0
  };
  // Starts at N(0, sqrt(2 / fan_out)), fan_out = size * size * outputs / groups: He et al. 2015, as timm's convnets all do.
  int Convolution(const std::string& name, int input, int64_t outputs, Kernel kernel);
  // Starts at scale `start` and shift 0; start 0 makes a residual branch begin as nothing.
  int BatchNorm(const std::string& name, int input, double start = 1);
  int Relu(int input) { return Activation(Op::kRelu, input); }
  int Activation(Op op, int input) { return Same(op, input, kImage); }
  int MaxPool(int input);
  int MeanPool(int input);
  int Add(int input, int other) { return Same(Op::kAdd, input, other); }

  // Squeeze-and-excitation (Hu et al. 2018): `input` times the sigmoid of two 1x1 convolutions with bias over its mean.
  int SqueezeExcite(const std::string& reduce, const std::string& expand, int input, int64_t width, Op activation);

  int Linear(const std::string& name, int input, int64_t outputs, Initial weight, Initial bias = {});
  // Starts as PyTorch's nn.Linear: weight and bias uniform within 1 / sqrt(inputs).
  int DefaultLinear(const std::string& name, int input, int64_t outputs, bool bias = true);

  // From an image (Unfold: or a square number of tokens, as an image) to a sequence.
  int Patches(int input, int64_t size);
  int Unfold(int input, int64_t size, int64_t stride);

  // Of sequences. Tokens and positions start at N(0, 1), and NAME's shape has `leading` extents of 1 before [tokens, channels].
  int LayerNorm(const std::string& name, int input);
  int Gelu(int input) { return Activation(Op::kGelu, input); }
  int Prepend(const std::string& name, int input, int leading);
  int Positions(const std::string& name, int input, int leading);
  int First(int input);
  // Of queries, keys and values side by side.
  int Attention(int input, int64_t heads);
  // NAME.weight, [heads, 1, kernel, 1], starts as PyTorch's nn.Conv2d.
  int NystromAttention(const std::string& name, int input, int64_t heads, int64_t landmarks, int64_t kernel);

  // In training only: a token after the last, which starts at N(0, 1); and logits of distillation from the last token.
  int AppendInTraining(const std::string& name, int input);
  void DistilLastToken(const std::string& name, int input, int64_t classes);

  // The result's.
  int64_t tokens(int step) const { return step == kImage ? 0 : At(step).tokens; }
  int64_t channels(int step) const { return step == kImage ? channels_ : At(step).outputs; }
  int64_t side(int step) const { return step == kImage ? side_ : At(step).side; }

  Network Take() { return std::move(network_); }

 private:
  const Step& At(int step) const { return network_[static_cast<size_t>(step)]; }
  int Append(Step step);
  int Same(Op op, int input, int other);  // of the input's size
  int Named(Op op, const std::string& name, int input, Initial weight);

  int64_t channels_, side_;
  Network network_;
};

}  // namespace deit::models
