#include "worker/engine/gemm_peak.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "common/base/clock.h"

namespace deit::engine {

double BestRate(absl::FunctionRef<double(int64_t side)> seconds_of_product) {
  constexpr int kTries = 6;
  constexpr double kLongest = 0.5;  // seconds of a product, before one of twice the side, which takes eight times as long
  double best = 0, seconds = 0;
  const auto measure = [&](int64_t side) {
    seconds = seconds_of_product(side);
    const auto n = static_cast<double>(side);
    best = std::max(best, 2 * n * n * n / seconds);
  };
  for (int64_t side = 256; side < kLargestSide; side *= 2) {
    measure(side);
    if (seconds > kLongest) return best;
  }
  for (int i = 0; i < kTries && seconds <= 8 * kLongest; ++i) measure(kLargestSide);
  return best;
}

double GemmPeak(v1::Precision precision) {
  const auto type = at::TensorOptions().dtype(precision == v1::BF16 ? at::kBFloat16 : at::kFloat);
  const at::Tensor ones = at::ones({kLargestSide, kLargestSide}, type);
  at::Tensor memory = at::zeros({kLargestSide, kLargestSide}, type);
  return BestRate([&](int64_t side) {
    const at::Tensor a = ones.narrow(0, 0, side).narrow(1, 0, side);
    at::Tensor product = memory.narrow(0, 0, side).narrow(1, 0, side);
    const absl::Duration start = Clock::System().Elapsed();
    at::mm_out(product, a, a);
    return absl::ToDoubleSeconds(Clock::System().Elapsed() - start);
  });
}

}  // namespace deit::engine
