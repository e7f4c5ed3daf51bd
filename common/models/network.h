// Network description as a list of steps: operations, tensor names and initial values, and cost. Pure data, so that a family of networks is
// one small function, and everything else (tensors, costs, the forward pass of worker/nn) is derived from the list. A result is an
// image, a sequence of tokens, or one vector (an image of one pixel, or a single token).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deit::models {

inline constexpr int kImage = -1;  // as a step's input: the images themselves
inline constexpr double kBatchNormEps = 1e-5;
inline constexpr double kLayerNormEps = 1e-5;  // PyTorch's default
inline constexpr int kInverseSteps = 6;        // of kNystromAttention

// How a tensor starts.
struct Initial {
  enum class Kind { kConstant, kNormal, kUniform };
  Kind kind = Kind::kConstant;
  double scale = 0;  // the constant (0 or 1), the standard deviation around 0, or the bound of [-scale, scale)
};

enum class Op {
  // Of images.
  kConvolution,  // padded by kernel / 2
  kBatchNorm,
  kRelu,
  kSilu,
  kMaxPool,   // 3x3, stride 2, padding 1
  kMeanPool,  // over all pixels, which leaves one
  kGate,      // input * sigmoid(other), which has one pixel
  // Of images and sequences.
  kAdd,     // input + other
  kLinear,  // of the one pixel, or of each token
  // Between images and sequences, whose tokens are pixels or squares of them row by row.
  kPatches,  // squares of side `kernel` side by side; a token holds them pixel by pixel: [kernel][kernel][channels]
  kUnfold,   // squares of side `kernel` at distance `stride`, padded by stride / 2; a token holds them [channels][kernel][kernel]
  kGrid,     // a square number of tokens as an image
  // Of sequences.
  kLayerNorm,
  kGelu,       // exact
  kPrepend,    // a token of its own before the first
  kAppend,     // and after the last
  kPositions,  // + a sequence of its own
  kFirst,      // token
  kLast,
  kAttention,         // softmax(q k' / sqrt(head width)) v in each of `heads`; the input's thirds are q, k and v, each [heads][head width]
  kNystromAttention,  // the same by `landmarks` (Xiong et al. 2021), plus a convolution of v along the tokens, one kernel a head
};

struct Step {
  Op op;
  std::string name;    // of its tensors (NAME.weight, NAME.bias, NAME.running_mean, ...); empty for an operation without tensors
  int input = kImage;  // an earlier step
  int other = kImage;  // kGate, kAdd: an earlier step
  int64_t inputs = 0;  // channels
  int64_t outputs = 0;
  int64_t side = 0;    // pixels of its result, square; 0: no image
  int64_t tokens = 0;  // of its result; 0: no sequence
  // Left out of evaluation, where its result is its input. The last of such steps, if there are any, gives the logits of distillation.
  bool training_only = false;
  // kConvolution, kPatches, kUnfold, kNystromAttention
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  // kConvolution, kLinear
  bool has_bias = false;
  // kAttention, kNystromAttention
  int64_t heads = 1;
  int64_t landmarks = 0;
  // kPrepend, kAppend, kPositions: extents of 1 before [tokens, channels] in the shape of NAME, their only tensor
  int leading = 0;
  // All that have tensors.
  Initial weight = {};
  Initial bias = {};
};

// In an order of execution, which for timm's networks is that of the state dict; the last step gives the logits.
using Network = std::vector<Step>;

struct Cost {
  int64_t parameters = 0;  // trained numbers; not running statistics
  // Multiply-accumulates of one image's forward pass in convolutions, linear layers and attention's products, as published tables count.
  double macs = 0;
};

Cost CostOf(const Network& network);

// The fewest pixels over which a batch norm of the network averages, per image; 0 without one. Training needs two values.
int64_t FewestNormalisedPixels(const Network& network);

}  // namespace deit::models
