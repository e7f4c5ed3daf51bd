#include "worker/kernels/dropout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/plan/philox.h"

namespace deit::kernels {
namespace {

std::vector<float> Mask(const DropoutKey& key, double rate, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count), 1);
  Dropout(key, rate, count, values.data());
  return values;
}

// The rule of the header, word by word.
TEST(DropoutTest, FollowsTheKeyedWords) {
  const DropoutKey key{0x123456789abcdef0, 0xfedcba9876543210, 77};
  const double rate = 0.3;
  const std::vector<float> mask = Mask(key, rate, 1000);
  std::vector<std::vector<uint32_t>> blocks;
  plan::RandomStream stream(key.seed, key.position, plan::Purpose::kDropout, key.layer);
  for (int b = 0; b < 256; ++b) {
    blocks.emplace_back();
    for (int w = 0; w < 4; ++w) blocks.back().push_back(stream.Next32());
  }
  for (size_t i = 0; i < mask.size(); ++i) {
    const uint32_t word = blocks[16 * (i / 64) + i % 16][i % 64 / 16];
    ASSERT_EQ(mask[i], word < rate * 0x1p32 ? 0 : static_cast<float>(1 / (1 - rate))) << i;
  }
}

TEST(DropoutTest, EveryLengthIsABeginningOfALongerOne) {
  const std::vector<float> whole = Mask({1, 2, 3}, 0.5, 300);
  for (int64_t count = 0; count < 300; ++count) {
    std::vector<float> values(300, 1);
    Dropout({1, 2, 3}, 0.5, count, values.data());
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], i < static_cast<size_t>(count) ? whole[i] : 1) << count;
  }
}

TEST(DropoutTest, DropsAtItsRateAndKeepsTheMean) {
  constexpr int64_t kCount = 1 << 20;
  for (const double rate : {0.1, 0.5, 0.9}) {
    double dropped = 0, sum = 0;
    for (const float value : Mask({1, 2, 3}, rate, kCount)) dropped += value == 0, sum += static_cast<double>(value);
    const double deviation = std::sqrt(rate * (1 - rate) / kCount);
    EXPECT_NEAR(dropped / kCount, rate, 5 * deviation);
    EXPECT_NEAR(sum / kCount, 1, 5 * deviation / (1 - rate));
  }
}

TEST(DropoutTest, SeedPositionAndLayerEachHaveMasksOfTheirOwn) {
  const std::vector<float> mask = Mask({1, 2, 3}, 0.5, 4096);
  for (const DropoutKey& other : {DropoutKey{2, 2, 3}, DropoutKey{1, 3, 3}, DropoutKey{1, 2, 4}}) {
    const std::vector<float> masked = Mask(other, 0.5, 4096);
    double both = 0;
    for (size_t i = 0; i < mask.size(); ++i) both += mask[i] != 0 && masked[i] != 0;
    EXPECT_NEAR(both / 4096, 0.25, 0.04);
  }
}

TEST(DropoutTest, Bfloat16HasTheSameMasks) {
  const std::vector<float> mask = Mask({1, 2, 3}, 0.5, 130);
  std::vector<kernels::Bf16> values(130, {0x3f80});  // 1
  Dropout({1, 2, 3}, 0.5, 130, values.data());
  for (size_t i = 0; i < mask.size(); ++i) EXPECT_EQ(values[i].bits, mask[i] == 0 ? 0 : 0x4000) << i;
}

TEST(DropoutTest, WhatIsNotFiniteStaysSo) {
  std::vector<float> values(64, std::numeric_limits<float>::quiet_NaN());
  Dropout({1, 2, 3}, 0.5, 64, values.data());
  for (const float value : values) EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace deit::kernels
