// Tensors of a model's state: timm's names, in timm's state-dict order, with their initial values (vit-pytorch's students: its own names,
// in order of execution). Torch-free.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace deit::models {

enum class TensorRole { kParameter, kRunningMean, kRunningVar, kBatchesTracked };

enum class Init {
  kZeros,
  kOnes,
  kNormal,   // N(0, scale); timm's trunc_normal_(std=0.02, a=-2, b=2) is the same, as it cuts at 100 deviations
  kUniform,  // U[-scale, scale)
};

struct TensorSpec {
  std::string name;            // timm's or vit-pytorch's
  std::vector<int64_t> shape;  // row-major; empty for a scalar (num_batches_tracked, int64 in files)
  TensorRole role = TensorRole::kParameter;
  Init init = Init::kZeros;
  double scale = 0;                // of kNormal and kUniform
  bool decay = false;              // weight decay applies
  bool compute_precision = false;  // a GEMM or convolution operand: given in the compute precision (bf16 under BF16); the others
                                   // (LayerNorm, batch norm, tokens, pos_embed, buffers) are always fp32
  bool direct_gradient = false;    // its gradient goes to ForwardContext::sink straight from a node of ours and its leaf never takes
                                   // part in autograd; false: ordinary autograd accumulates into the leaf

  int64_t size() const;  // elements
};

// Number of parameter elements (buffers not counted).
int64_t ParameterCount(const std::vector<TensorSpec>& tensors);

// Writes the initial values of `spec` to out[0 .. spec.size()): a pure function of (spec, tensor_index, seed), element by element
// (Philox, purpose kInitialWeights, keyed by tensor and element). Running variances start at 1, running means at 0.
// Normal values: Box-Muller in double, so that they are the same on every machine up to its libm.
// Error: a negative index, a scale that is not finite.
Status InitialiseTensor(const TensorSpec& spec, int tensor_index, uint64_t seed, float* out);

}  // namespace deit::models
