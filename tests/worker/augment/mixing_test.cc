#include "worker/augment/mixing.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace deit::augment {
namespace {

using v1::AugmentSpec;

constexpr int kSize = 8, kChannels = 2, kView = kChannels * kSize * kSize;

std::vector<float> Ramp(int views) {
  std::vector<float> pixels(static_cast<size_t>(views) * kView);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = 0.37f * static_cast<float>(i) - 11;
  return pixels;
}

TEST(ApplyMixesTest, MixesEachViewWithItsMirror) {
  const std::vector<float> before = Ramp(4);
  std::vector<float> after = before;
  std::vector<Mix> mixes(4);
  mixes[0] = {Mix::Kind::kMixup, 0.3f, 0.7f, {}};
  mixes[3] = {Mix::Kind::kCutmix, 0.9f, 0.1f, {1, 2, 3, 4}};
  mixes[2] = {Mix::Kind::kMixup, 0.6f, 0.4f, {}};
  ApplyMixes(mixes, kChannels, kSize, after.data());
  for (size_t i = 0; i < kView; ++i) {
    const size_t x = i % kSize, y = i / kSize % kSize;
    const auto own = [&](size_t view) { return before[view * kView + i]; };
    const volatile float kept = own(0) * 0.3f, taken = own(3) * 0.7f;  // each product rounded
    EXPECT_EQ(after[i], kept + taken);
    EXPECT_EQ(after[kView + i], own(1));
    const volatile float kept2 = own(2) * 0.6f, taken2 = own(1) * 0.4f;
    EXPECT_EQ(after[2 * kView + i], kept2 + taken2);
    const bool inside = x >= 1 && x < 4 && y >= 2 && y < 6;
    EXPECT_EQ(after[3 * kView + i], inside ? own(0) : own(3)) << x << " " << y;
  }
}

TEST(DrawMixesTest, ModesShareDrawsAsTheySay) {
  AugmentSpec augment;
  augment.set_mixup(0.8);
  augment.set_cutmix(1);
  std::vector<Mix> mixes;
  const auto different = [&mixes] {
    std::set<float> keeps;
    for (const Mix& mix : mixes) keeps.insert(mix.keep);
    return keeps.size();
  };
  DrawMixes(augment, 1, 64, 16, kSize, &mixes);
  EXPECT_EQ(different(), 1u);
  augment.set_mixup_mode(AugmentSpec::PAIR);
  DrawMixes(augment, 1, 64, 16, 64, &mixes);
  for (size_t i = 0; i < 16; ++i) EXPECT_EQ(mixes[i], mixes[15 - i]);
  EXPECT_GE(different(), 6u);
  augment.set_mixup_mode(AugmentSpec::ELEM);
  DrawMixes(augment, 1, 64, 16, 64, &mixes);
  EXPECT_NE(mixes[0], mixes[15]);
  EXPECT_GE(different(), 12u);
}

TEST(DrawMixesTest, KeepsTheShareOfPixelsThatIsLeft) {
  AugmentSpec augment;
  augment.set_cutmix(1);
  std::vector<Mix> mixes;
  bool clipped = false, odd = false;
  for (uint64_t position = 0; position < 200; ++position) {
    DrawMixes(augment, 1, position, 2, 32, &mixes);
    const Mix& mix = mixes[0];
    if (mix.kind == Mix::Kind::kNone) continue;
    EXPECT_TRUE(mix.box.left >= 0 && mix.box.top >= 0 && mix.box.left + mix.box.width <= 32 && mix.box.top + mix.box.height <= 32);
    EXPECT_NEAR(mix.keep, 1 - mix.box.width * mix.box.height / 1024.0, 1e-7);
    EXPECT_NEAR(mix.keep + mix.take, 1, 1e-7);
    clipped |= mix.box.width != mix.box.height;
    odd |= mix.box.left > 0 && mix.box.left + mix.box.width < 32 && mix.box.width % 2 == 1;
  }
  EXPECT_TRUE(clipped);
  EXPECT_TRUE(odd) << "DeiT's timm 0.3.2 had even squares only";
}

TEST(DrawMixesTest, DependsOnSeedAndPosition) {
  AugmentSpec augment;
  augment.set_mixup(0.8);
  std::vector<Mix> a, b;
  DrawMixes(augment, 1, 64, 2, kSize, &a);
  DrawMixes(augment, 1, 64, 2, kSize, &b);
  EXPECT_EQ(a, b);
  DrawMixes(augment, 1, 66, 2, kSize, &b);
  EXPECT_NE(a, b);
  DrawMixes(augment, 2, 64, 2, kSize, &b);
  EXPECT_NE(a, b);
}

TEST(DrawBetaTest, StandsTinyAndLargeAlphas) {
  plan::RandomStream random(1, 1, plan::Purpose::kMixing);
  for (const double alpha : {1e-4, 0.01, 1.0, 30.0, 1000.0}) {
    double sum = 0, squares = 0;
    constexpr int kDraws = 4000;
    for (int k = 0; k < kDraws; ++k) {
      const double value = DrawBeta(alpha, &random);
      ASSERT_TRUE(value >= 0 && value <= 1) << value;
      sum += value;
      squares += (value - 0.5) * (value - 0.5);
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(variance / kDraws)) << alpha;
    EXPECT_NEAR(squares / kDraws, variance, 0.15 * variance) << alpha;
  }
}

TEST(MixesTest, IsOffUnlessAsked) {
  AugmentSpec augment;
  EXPECT_FALSE(Mixes(augment));
  augment.add_cutmix_minmax(0.1);
  EXPECT_TRUE(Mixes(augment));
}

}  // namespace
}  // namespace deit::augment
