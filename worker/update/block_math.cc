#include "worker/update/block_math.h"

#include <bit>
#include <cmath>

#include "common/base/target_clones.h"

// One copy per instruction set, chosen at load time. All give the same bits: only exact IEEE operations, no contraction.
#define DEIT_CLONES DEIT_TARGET_CLONES("arch=x86-64-v4", "arch=x86-64-v3")

namespace deit::update {
namespace {

inline BFloat16Bits Round(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  const uint32_t nan = bits >> 16 | 0x40u;
  return static_cast<BFloat16Bits>((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

// A step's numbers as each element meets them.
struct AdamScalars {
  explicit AdamScalars(const AdamStep& step)
      : correction1(1 - std::pow(step.beta1, static_cast<double>(step.count))), scale(static_cast<float>(step.gradient_scale)),
        b1(static_cast<float>(step.beta1)), c1(static_cast<float>(1 - step.beta1)), b2(static_cast<float>(step.beta2)),
        c2(static_cast<float>(1 - step.beta2)),
        root(static_cast<float>(std::sqrt(1 - std::pow(step.beta2, static_cast<double>(step.count))))), eps(static_cast<float>(step.eps)) {}

  const double correction1;
  const float scale, b1, c1, b2, c2, root, eps;
};

// Both moments of one element with its gradient; returns what the first is divided by, but for its own correction. Inlined into every clone.
__attribute__((always_inline)) inline float Moments(const AdamScalars& s, float gradient, float& exp_avg, float& exp_avg_sq) {
  const float g = gradient * s.scale;
  exp_avg = s.b1 * exp_avg + s.c1 * g;
  exp_avg_sq = s.b2 * exp_avg_sq + s.c2 * (g * g);
  return std::sqrt(exp_avg_sq) / s.root + s.eps;
}

inline float Widen(BFloat16Bits value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16); }

}  // namespace

DEIT_CLONES void CastToBFloat16(const float* __restrict from, BFloat16Bits* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = Round(from[i]);
}

DEIT_CLONES void CastToFloat(const BFloat16Bits* __restrict from, float* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = Widen(from[i]);
}

DEIT_CLONES void Add(const float* __restrict from, float* __restrict into, int64_t count) {
  for (int64_t i = 0; i < count; ++i) into[i] += from[i];
}

DEIT_CLONES void Add(const BFloat16Bits* __restrict from, float* __restrict into, int64_t count) {
  for (int64_t i = 0; i < count; ++i) into[i] += Widen(from[i]);
}

DEIT_CLONES void Sum(const float* a, const float* b, float* out, int64_t count) {
#pragma GCC ivdep  // out may equal a or b, element by element
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

DEIT_CLONES double SumOfSquares(const float* x, int64_t count) {
  constexpr int kWays = 16;  // independent sums, so that the loop can be vectorised without changing its order
  double sums[kWays] = {};
  int64_t i = 0;
  for (; i + kWays <= count; i += kWays) {
    for (int k = 0; k < kWays; ++k) {
      const double value = static_cast<double>(x[i + k]);
      sums[k] += value * value;
    }
  }
  for (; i < count; ++i) sums[i % kWays] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return TreeSum(sums, kWays);
}

double TreeSum(const double* values, int64_t count) {
  if (count == 0) return 0;
  if (count == 1) return values[0];
  const int64_t half = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(count)) / 2);
  return TreeSum(values, half) + TreeSum(values + half, count - half);
}

DEIT_CLONES void AdamW(const AdamStep& step, double weight_decay, const float* __restrict gradient, float* __restrict parameter,
                       float* __restrict exp_avg, float* __restrict exp_avg_sq, int64_t count) {
  const AdamScalars s(step);
  const float keep = static_cast<float>(1 - step.learning_rate * weight_decay);
  const float rate = static_cast<float>(step.learning_rate / s.correction1);
  for (int64_t i = 0; i < count; ++i) {
    const float divisor = Moments(s, gradient[i], exp_avg[i], exp_avg_sq[i]);
    parameter[i] = parameter[i] * keep - rate * (exp_avg[i] / divisor);
  }
}

DEIT_CLONES void LambDirection(const AdamStep& step, double weight_decay, const float* __restrict parameter, float* __restrict gradient,
                               float* __restrict exp_avg, float* __restrict exp_avg_sq, int64_t count) {
  const AdamScalars s(step);
  const float correction = static_cast<float>(s.correction1);
  const float decay = static_cast<float>(weight_decay);
  for (int64_t i = 0; i < count; ++i) {
    const float divisor = Moments(s, gradient[i], exp_avg[i], exp_avg_sq[i]);
    gradient[i] = exp_avg[i] / correction / divisor + decay * parameter[i];
  }
}

DEIT_CLONES void ApplyDirection(double rate, const float* __restrict direction, float* __restrict parameter, int64_t count) {
  const float r = static_cast<float>(rate);
  for (int64_t i = 0; i < count; ++i) parameter[i] -= r * direction[i];
}

DEIT_CLONES void Sgd(const SgdStep& step, double weight_decay, const float* __restrict gradient, float* __restrict parameter,
                     float* __restrict momentum_buffer, int64_t count) {
  const float scale = static_cast<float>(step.gradient_scale), decay = static_cast<float>(weight_decay);
  const float rate = static_cast<float>(step.learning_rate), momentum = static_cast<float>(step.momentum);
  const bool nesterov = step.nesterov;
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * scale + decay * parameter[i];
    const float b = momentum * momentum_buffer[i] + g;
    momentum_buffer[i] = b;
    parameter[i] -= rate * (nesterov ? g + momentum * b : b);
  }
}

DEIT_CLONES void Ema(double decay, const float* __restrict value, float* __restrict average, int64_t count) {
  const float keep = static_cast<float>(decay), take = static_cast<float>(1 - decay);
  for (int64_t i = 0; i < count; ++i) average[i] = keep * average[i] + take * value[i];
}

}  // namespace deit::update
