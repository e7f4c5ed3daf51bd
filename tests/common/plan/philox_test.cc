#include "common/plan/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace deit::plan {
namespace {

// Random123's tests/kat_vectors, lines "philox4x32 10".
TEST(PhiloxTest, MatchesThePublishedVectors) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStreamTest, IsPhiloxOfTheDocumentedCounter) {
  RandomStream stream(0x1122334455667788, 0x99aabbccddeeff00, Purpose::kCrop, 5);
  for (uint32_t block = 0; block < 3; ++block) {
    const PhiloxBlock expected = Philox4x32({block, 2U << 24 | 5U, 0xddeeff00, 0x99aabbcc}, {0x55667788, 0x11223344});
    for (uint32_t word : expected) EXPECT_EQ(stream.Next32(), word);
  }
}

TEST(RandomStreamTest, DiffersByEveryArgument) {
  std::set<uint64_t> firsts;
  firsts.insert(RandomStream(1, 2, Purpose::kCrop, 3).Next64());
  firsts.insert(RandomStream(9, 2, Purpose::kCrop, 3).Next64());
  firsts.insert(RandomStream(1ULL << 40, 2, Purpose::kCrop, 3).Next64());
  firsts.insert(RandomStream(1, 9, Purpose::kCrop, 3).Next64());
  firsts.insert(RandomStream(1, 1ULL << 40, Purpose::kCrop, 3).Next64());
  firsts.insert(RandomStream(1, 2, Purpose::kFlip, 3).Next64());
  firsts.insert(RandomStream(1, 2, Purpose::kCrop, 4).Next64());
  EXPECT_EQ(firsts.size(), 7U);
}

TEST(RandomStreamTest, JoinsTwoWordsWithTheFirstOneLow) {
  RandomStream words(7, 8, Purpose::kFlip), wide(7, 8, Purpose::kFlip);
  const uint64_t low = words.Next32();
  const uint64_t high = words.Next32();
  EXPECT_EQ(wide.Next64(), high << 32 | low);
}

TEST(RandomStreamTest, DrawsUniformNumbersFromTheUnitInterval) {
  constexpr int kDraws = 200000, kBins = 100;
  std::vector<int> bins(kBins);
  RandomStream stream(1, 0, Purpose::kAugment);
  for (int i = 0; i < kDraws; ++i) {
    const double value = stream.Uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ++bins[static_cast<size_t>(value * kBins)];
  }
  double chi_square = 0;
  for (int count : bins) chi_square += (count - 2000.0) * (count - 2000.0) / 2000.0;
  EXPECT_NEAR(chi_square, 99.0, 5 * std::sqrt(2 * 99.0));
}

TEST(RandomStreamTest, StaysBelowTheBoundAndReachesEveryValue) {
  RandomStream stream(3, 0, Purpose::kCrop);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[stream.Below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10000, 500);
  EXPECT_EQ(stream.Below(1), 0U);
}

// Without rejection, values of the lower half would come twice as often for n = 3/4 of 2^64.
TEST(RandomStreamTest, HasNoBiasForLargeBounds) {
  RandomStream stream(4, 0, Purpose::kCrop);
  const uint64_t n = 3ULL << 62;
  int thirds[3] = {0, 0, 0};
  for (int i = 0; i < 30000; ++i) {
    const uint64_t value = stream.Below(n);
    ASSERT_LT(value, n);
    ++thirds[value % 3];
  }
  for (int count : thirds) EXPECT_NEAR(count, 10000, 500);
}

TEST(RandomStreamTest, DrawsNormalNumbers) {
  constexpr int kDraws = 200000;
  RandomStream stream(5, 0, Purpose::kInitialWeights);
  double sum = 0, squares = 0, fourth = 0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = stream.Normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
    beyond_two += std::abs(value) > 2;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.012);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
  EXPECT_NEAR(fourth / kDraws, 3, 0.15);
  EXPECT_NEAR(beyond_two / double{kDraws}, 0.0455, 0.0025);
}

TEST(RandomStreamDeathTest, RefusesASubThatWouldRunIntoThePurpose) {
  EXPECT_DEATH(RandomStream(1, 1, Purpose::kCrop, 1U << 24), "sub=16777216");
}

}  // namespace
}  // namespace deit::plan
