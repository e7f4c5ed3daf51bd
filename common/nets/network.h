// A convolutional network as a list of steps: what it computes, what its tensors are called and how they start, and what it costs. Pure
// data, so that a family of networks is one small function, and everything else (tensors, costs, the forward pass of worker/models) is
// derived from the list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deit::nets {

inline constexpr int kImage = -1;  // as a step's input: the images themselves
inline constexpr double kBatchNormEps = 1e-5;

// How a tensor starts.
struct Initial {
  enum class Kind { kConstant, kNormal, kUniform };
  Kind kind = Kind::kConstant;
  double scale = 0;  // the constant (0 or 1), the standard deviation around 0, or the bound of [-scale, scale)
};

enum class Op {
  kConvolution,  // padded by kernel / 2
  kBatchNorm,
  kRelu,
  kSilu,
  kMaxPool,   // 3x3, stride 2, padding 1
  kMeanPool,  // over all pixels, which leaves one
  kGate,      // input * sigmoid(other), which has one pixel
  kAdd,       // input + other
  kLinear,    // with a bias, of an input of one pixel
};

struct Step {
  Op op;
  std::string name;    // of its tensors (NAME.weight, NAME.bias, NAME.running_mean, ...); empty for an operation without tensors
  int input = kImage;  // an earlier step
  int other = kImage;  // kGate, kAdd: an earlier step
  int64_t inputs = 0;  // channels
  int64_t outputs = 0;
  int64_t side = 0;  // pixels of its result, square
  // kConvolution
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  bool has_bias = false;
  // kConvolution, kBatchNorm, kLinear
  Initial weight = {};
  Initial bias = {};
};

// In the order of timm's state dict, which is an order of execution; the last step gives the logits.
using Network = std::vector<Step>;

struct Cost {
  int64_t parameters = 0;  // trained numbers; not running statistics
  double macs = 0;         // multiply-accumulates of one image's forward pass in convolutions and linear layers, as published tables count
};

Cost CostOf(const Network& network);

// The fewest pixels over which a batch norm of the network averages, per image; 0 without one. Training needs two values.
int64_t FewestNormalisedPixels(const Network& network);

}  // namespace deit::nets
