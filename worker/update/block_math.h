// Arithmetic of a training step on ranges of a flat buffer: sums along the lane tree, squares for norms, optimizers, EMA, casts. Every
// function treats each element alike, so that a result does not depend on where a range starts or ends, and the file is compiled without
// contraction of a*b+c (law 1). Pure, thread-safe; ranges may overlap only where said.
#pragma once

#include <cstdint>

namespace deit::update {

// bfloat16 as its bits. Casts round to nearest even; NaN stays NaN.
using BFloat16Bits = uint16_t;

void CastToBFloat16(const float* from, BFloat16Bits* to, int64_t count);
void CastToFloat(const BFloat16Bits* from, float* to, int64_t count);

// into[i] += from[i]
void Add(const float* from, float* into, int64_t count);
void Add(const BFloat16Bits* from, float* into, int64_t count);

// out[i] = a[i] + b[i]; out may be a or b.
void Sum(const float* a, const float* b, float* out, int64_t count);

// Sum of x[i]^2 in double, in an order fixed by i alone. Infinite or NaN when an element is.
double SumOfSquares(const float* x, int64_t count);

// The balanced binary tree over `count` values, left to right; 0 for none. Norms are trees over block sums.
double TreeSum(const double* values, int64_t count);

// torch.optim.AdamW's update (https://arxiv.org/abs/1711.05101) of one step:
//   g *= gradient_scale; p *= 1 - lr * weight_decay; m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2
//   p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
struct AdamStep {
  double learning_rate;
  double beta1, beta2, eps;
  int64_t count;          // t: updates done including this one
  double gradient_scale;  // 1 / lanes, times the clipping factor
};

void AdamW(const AdamStep& step, double weight_decay, const float* gradient, float* parameter, float* exp_avg, float* exp_avg_sq,
           int64_t count);

// LAMB's direction, in place of the gradient; moments as AdamW's (step.learning_rate has no part in it):
//   gradient = m / (1 - b1^t) / (sqrt(v) / sqrt(1 - b2^t) + eps) + weight_decay * p
void LambDirection(const AdamStep& step, double weight_decay, const float* parameter, float* gradient, float* exp_avg, float* exp_avg_sq,
                   int64_t count);

// parameter[i] -= rate * direction[i]
void ApplyDirection(double rate, const float* direction, float* parameter, int64_t count);

// torch.optim.SGD's update without dampening:
//   g = gradient * gradient_scale + weight_decay * p; b = momentum * b + g; p -= lr * (nesterov ? g + momentum * b : b)
struct SgdStep {
  double learning_rate;
  double momentum;
  double gradient_scale;
  bool nesterov;
};

void Sgd(const SgdStep& step, double weight_decay, const float* gradient, float* parameter, float* momentum_buffer, int64_t count);

// average[i] = decay * average[i] + (1 - decay) * value[i]
void Ema(double decay, const float* value, float* average, int64_t count);

}  // namespace deit::update
