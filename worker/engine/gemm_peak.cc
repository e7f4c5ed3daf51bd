#include "worker/engine/gemm_peak.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "common/base/clock.h"

namespace deit::engine {

double GemmPeak(v1::Precision precision) {
  constexpr int64_t kSide = 2048;
  constexpr int kTries = 6;
  const auto type = at::TensorOptions().dtype(precision == v1::BF16 ? at::kBFloat16 : at::kFloat);
  const at::Tensor a = at::ones({kSide, kSide}, type), b = at::ones({kSide, kSide}, type);
  at::Tensor product = at::zeros({kSide, kSide}, type);
  double seconds = 1e9;
  for (int i = 0; i < kTries; ++i) {
    const absl::Duration start = Clock::System().Elapsed();
    at::mm_out(product, a, b);
    seconds = std::min(seconds, absl::ToDoubleSeconds(Clock::System().Elapsed() - start));
  }
  return 2.0 * kSide * kSide * kSide / seconds;
}

}  // namespace deit::engine
