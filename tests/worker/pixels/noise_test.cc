#include "worker/pixels/noise.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "common/base/digest.h"

namespace deit::pixels {
namespace {

TEST(FillNormalTest, NumbersAreNormalAndIndependent) {
  constexpr size_t kCount = 200000;
  std::vector<float> numbers(kCount);
  FillNormal({1, 2, plan::Purpose::kErasing, 3}, 0, kCount, numbers.data());
  double sum = 0, neighbours = 0;
  for (size_t i = 0; i < kCount; ++i) {
    sum += numbers[i];
    neighbours += i > 0 ? static_cast<double>(numbers[i]) * numbers[i - 1] : 0;
  }
  EXPECT_NEAR(sum / kCount, 0, 4 / std::sqrt(static_cast<double>(kCount)));
  EXPECT_NEAR(neighbours / kCount, 0, 4 / std::sqrt(static_cast<double>(kCount)));
  std::sort(numbers.begin(), numbers.end());
  double distance = 0;  // Kolmogorov-Smirnov
  for (size_t i = 0; i < kCount; ++i) {
    const double p = 0.5 * std::erfc(-static_cast<double>(numbers[i]) / std::sqrt(2.0));
    distance = std::max(distance, std::abs(p - (static_cast<double>(i) + 0.5) / kCount));
  }
  EXPECT_LT(distance, 1.63 / std::sqrt(static_cast<double>(kCount)));
}

TEST(FillNormalTest, DoesNotDependOnWhereItBegins) {
  std::vector<float> all(500), piece(500);
  const NoiseKey key{1, 2, plan::Purpose::kErasing, 3};
  FillNormal(key, 0, all.size(), all.data());
  for (const size_t first : {1u, 63u, 64u, 65u, 200u}) {
    FillNormal(key, first, 130, piece.data());
    EXPECT_TRUE(std::equal(piece.begin(), piece.begin() + 130, all.begin() + static_cast<ptrdiff_t>(first))) << first;
  }
}

// Other values would make other weights of every job. Number i comes of the i-th word of the key's RandomStream.
TEST(FillNormalTest, NeverChangesOnAnyProcessor) {
  std::vector<float> numbers(20000);
  for (const Code code : {Code::kNative, Code::kPortable}) {
    FillNormal({1, 2, plan::Purpose::kErasing, 3}, 0, numbers.size(), numbers.data(), code);
    plan::RandomStream words(1, 2, plan::Purpose::kErasing, 3);
    for (const float number : numbers) {
      const double uniform = (static_cast<double>(words.Next32() >> 9) + 0.5) / 4194304 - 1;  // = erf(number / sqrt 2)
      ASSERT_NEAR(std::erf(static_cast<double>(number) / std::sqrt(2.0)), uniform, 2e-6);
    }
    EXPECT_EQ(DigestHex(Digest64(numbers.data(), numbers.size() * sizeof(float))), "488fd7667c464579");
  }
}

}  // namespace
}  // namespace deit::pixels
