#include "common/base/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

namespace deit {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(DurationTextTest, HasOneOrTwoUnits) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0ms");
  EXPECT_EQ(DurationText(absl::Milliseconds(450)), "450ms");
  EXPECT_EQ(DurationText(absl::Milliseconds(6200)), "6.2s");
  EXPECT_EQ(DurationText(absl::Seconds(38)), "38s");
  EXPECT_EQ(DurationText(absl::Minutes(38)), "38m");
  EXPECT_EQ(DurationText(absl::Minutes(62)), "1h02m");
  EXPECT_EQ(DurationText(absl::Hours(76)), "3d04h");
}

TEST(DurationTextTest, NeverRoundsIntoTheNextUnit) {
  EXPECT_EQ(DurationText(absl::Microseconds(999'400)), "999ms");
  EXPECT_EQ(DurationText(absl::Microseconds(999'600)), "1.0s");
  EXPECT_EQ(DurationText(absl::Milliseconds(9'960)), "10s");
  EXPECT_EQ(DurationText(absl::Milliseconds(59'400)), "59s");
  EXPECT_EQ(DurationText(absl::Milliseconds(59'600)), "1m");
  EXPECT_EQ(DurationText(absl::Minutes(60) - absl::Seconds(1)), "59m");
  EXPECT_EQ(DurationText(absl::Hours(24) - absl::Seconds(1)), "23h59m");
}

TEST(DurationTextTest, UnknownIsADash) {
  EXPECT_EQ(DurationText(absl::InfiniteDuration()), "-");
  EXPECT_EQ(DurationText(-absl::Seconds(1)), "-");
}

TEST(NumbersTest, ReadTheSameEverywhere) {
  EXPECT_EQ(LossText(3.21449), "3.214");
  EXPECT_EQ(LossText(3), "3.000");
  EXPECT_EQ(LossText(12.345678), "12.35");
  EXPECT_EQ(LossText(1.2345e-5), "1.234e-05");
  EXPECT_EQ(AccuracyText(61.24), "61.2");
  EXPECT_EQ(LearningRateText(4.9e-4), "4.9e-04");
  EXPECT_EQ(LearningRateText(0), "0");
  EXPECT_EQ(RateText(812.4), "812");
  EXPECT_EQ(RateText(3.44), "3.4");
  EXPECT_EQ(StepSecondsText(12.34), "12.3");
  EXPECT_EQ(StepSecondsText(0.314), "0.31");
  EXPECT_EQ(StepSecondsText(0.0421), "0.042");
  EXPECT_EQ(StepSecondsText(0.0042), "0.0042");
  EXPECT_EQ(BytesText(512), "512B");
  EXPECT_EQ(BytesText(1536), "1.5KiB");
  EXPECT_EQ(BytesText(23.6 * 1024 * 1024), "23.6MiB");
}

TEST(NumbersTest, SayWhatIsNotFinite) {
  EXPECT_EQ(LossText(kNan), "nan");
  EXPECT_EQ(LossText(kInf), "inf");
  EXPECT_EQ(AccuracyText(-kInf), "-inf");
  EXPECT_EQ(RoundTripText(kNan), "NaN");
  EXPECT_EQ(RoundTripText(-kInf), "-Infinity");
}

TEST(RoundTripTextTest, IsShortAndReadsBackExactly) {
  EXPECT_EQ(RoundTripText(0.1), "0.1");
  EXPECT_EQ(RoundTripText(3), "3");
  EXPECT_EQ(RoundTripText(-0.0), "-0");
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t bits = random();
    double value;
    static_assert(sizeof(value) == sizeof(bits));
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(std::strtod(RoundTripText(value).c_str(), nullptr), value);
  }
}

}  // namespace
}  // namespace deit
