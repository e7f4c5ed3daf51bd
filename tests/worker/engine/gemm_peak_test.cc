#include "worker/engine/gemm_peak.h"

#include <gtest/gtest.h>

#include <vector>

namespace deit::engine {
namespace {

// The sides that are measured on a machine of `rate` FLOP/s.
std::vector<int64_t> SidesAt(double rate, double* seconds) {
  std::vector<int64_t> sides;
  *seconds = 0;
  const double best = BestRate([&](int64_t side) {
    sides.push_back(side);
    const auto n = static_cast<double>(side);
    *seconds += 2 * n * n * n / rate;
    return 2 * n * n * n / rate;
  });
  EXPECT_DOUBLE_EQ(best, rate);
  return sides;
}

TEST(GemmPeakTest, AFastProcessorIsMeasuredByLargeProducts) {
  double seconds = 0;
  EXPECT_EQ(SidesAt(1e11, &seconds), (std::vector<int64_t>{256, 512, 1024, 2048, 2048, 2048, 2048, 2048, 2048}));
}

TEST(GemmPeakTest, ASlowProcessorIsMeasuredInAFewSeconds) {
  for (double rate = 1e7; rate < 1e11; rate *= 1.5) {
    double seconds = 0;
    EXPECT_FALSE(SidesAt(rate, &seconds).empty());
    EXPECT_LT(seconds, 25) << rate;
  }
}

}  // namespace
}  // namespace deit::engine
