#include "worker/update/block_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "common/plan/lane_tree.h"

namespace deit::update {
namespace {

constexpr int64_t kCount = 1000;
constexpr int64_t kRoom = kCount + 64;

std::vector<float> Draw(uint32_t seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(kRoom);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<uint32_t> Bits(const float* values, int64_t count = kCount) {
  std::vector<uint32_t> bits(static_cast<size_t>(count));
  std::memcpy(bits.data(), values, bits.size() * sizeof(uint32_t));
  return bits;
}

float Widen(uint32_t upper_half) { return std::bit_cast<float>(upper_half << 16); }

// Nearest of the two bfloat16 around a finite value, ties to the even one, by distances in double. Beyond the largest comes 2^128.
BFloat16Bits NearestBFloat16(float value) {
  const uint32_t below = std::bit_cast<uint32_t>(value) >> 16;
  const auto magnitude = [](uint32_t half) {
    return (half & 0x7fff) == 0x7f80 ? std::ldexp(1.0, 128) : std::abs(static_cast<double>(Widen(half)));
  };
  const double low = std::abs(static_cast<double>(value)) - magnitude(below),
               high = magnitude(below + 1) - std::abs(static_cast<double>(value));
  if (low == high) return static_cast<BFloat16Bits>(below % 2 == 0 ? below : below + 1);
  return static_cast<BFloat16Bits>(low < high ? below : below + 1);
}

TEST(BlockMathTest, EveryBFloat16SurvivesTheWayToFloatAndBack) {
  std::vector<BFloat16Bits> all(65536), back(65536);
  std::vector<float> wide(65536);
  for (uint32_t bits = 0; bits < 65536; ++bits) all[bits] = static_cast<BFloat16Bits>(bits);
  CastToFloat(all.data(), wide.data(), 65536);
  CastToBFloat16(wide.data(), back.data(), 65536);
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    ASSERT_EQ(std::bit_cast<uint32_t>(wide[bits]), bits << 16);
    if (std::isnan(wide[bits])) {
      ASSERT_TRUE(std::isnan(Widen(back[bits]))) << bits;
    } else {
      ASSERT_EQ(back[bits], bits);
    }
  }
}

TEST(BlockMathTest, CastsRoundToNearestAndTiesToEven) {
  std::vector<float> values;
  for (uint32_t half = 0; half < 65536; ++half) {
    for (uint32_t rest : {0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) values.push_back(std::bit_cast<float>(half << 16 | rest));
  }
  std::vector<BFloat16Bits> cast(values.size());
  CastToBFloat16(values.data(), cast.data(), static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      ASSERT_TRUE(std::isnan(Widen(cast[i]))) << std::bit_cast<uint32_t>(values[i]);
    } else {
      ASSERT_EQ(cast[i], NearestBFloat16(values[i])) << std::bit_cast<uint32_t>(values[i]);
    }
  }
}

const AdamStep kStep{0.01, 0.9, 0.999, 1e-8, 7, 0.125};
constexpr double kDecay = 0.05;

// The same operations one by one, for one element.
void PlainAdamW(const AdamStep& s, double weight_decay, float gradient, float* p, float* m, float* v) {
  const float g = gradient * static_cast<float>(s.gradient_scale);
  *m = static_cast<float>(s.beta1) * *m + static_cast<float>(1 - s.beta1) * g;
  *v = static_cast<float>(s.beta2) * *v + static_cast<float>(1 - s.beta2) * (g * g);
  const float rate = static_cast<float>(s.learning_rate / (1 - std::pow(s.beta1, static_cast<double>(s.count))));
  const float root = static_cast<float>(std::sqrt(1 - std::pow(s.beta2, static_cast<double>(s.count))));
  *p = *p * static_cast<float>(1 - s.learning_rate * weight_decay) - rate * (*m / (std::sqrt(*v) / root + static_cast<float>(s.eps)));
}

TEST(BlockMathTest, AdamWFollowsItsFormula) {
  const std::vector<float> g = Draw(1), p0 = Draw(2), m0 = Draw(3, 0.01f);
  std::vector<float> p = p0, m = m0, v = Draw(4, 0.01f);
  for (float& value : v) value = std::abs(value);
  const std::vector<float> v0 = v;
  AdamW(kStep, kDecay, g.data(), p.data(), m.data(), v.data(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    const double gradient = static_cast<double>(g[i]) * kStep.gradient_scale;
    const double mean = 0.9 * static_cast<double>(m0[i]) + 0.1 * gradient;
    const double square = 0.999 * static_cast<double>(v0[i]) + 0.001 * gradient * gradient;
    const double step = 0.01 * (mean / (1 - std::pow(0.9, 7))) / (std::sqrt(square / (1 - std::pow(0.999, 7))) + 1e-8);
    ASSERT_NEAR(m[i], mean, 1e-7);
    ASSERT_NEAR(v[i], square, 1e-8);
    ASSERT_NEAR(p[i], static_cast<double>(p0[i]) * (1 - 0.01 * kDecay) - step, 1e-6);
  }
  for (size_t i = kCount; i < kRoom; ++i) ASSERT_EQ(p[i], p0[i]) << "beyond the range";
}

TEST(BlockMathTest, AFirstStepOfAdamWMovesByTheLearningRate) {
  float p = 1, m = 0, v = 0;
  const float g = -3;
  AdamW({0.01, 0.9, 0.999, 1e-8, 1, 1}, 0, &g, &p, &m, &v, 1);
  EXPECT_NEAR(p, 1.01, 1e-6);
}

// The other optimizers' formulas are compared with PyTorch's in optimizer_test.cc; here with plain code.
void PlainLamb(const AdamStep& s, double weight_decay, float p, float* gradient, float* m, float* v) {
  const float g = *gradient * static_cast<float>(s.gradient_scale);
  *m = static_cast<float>(s.beta1) * *m + static_cast<float>(1 - s.beta1) * g;
  *v = static_cast<float>(s.beta2) * *v + static_cast<float>(1 - s.beta2) * (g * g);
  const float correction = static_cast<float>(1 - std::pow(s.beta1, static_cast<double>(s.count)));
  const float root = static_cast<float>(std::sqrt(1 - std::pow(s.beta2, static_cast<double>(s.count))));
  *gradient = *m / correction / (std::sqrt(*v) / root + static_cast<float>(s.eps)) + static_cast<float>(weight_decay) * p;
}

void PlainSgd(const SgdStep& s, double weight_decay, float gradient, float* p, float* b) {
  const float momentum = static_cast<float>(s.momentum);
  const float g = gradient * static_cast<float>(s.gradient_scale) + static_cast<float>(weight_decay) * *p;
  *b = momentum * *b + g;
  *p = *p - static_cast<float>(s.learning_rate) * (s.nesterov ? g + momentum * *b : *b);
}

TEST(BlockMathTest, EveryOptimizerGivesTheBitsOfPlainCode) {
  const std::vector<float> p = Draw(3);
  std::vector<float> direction = Draw(1), m = Draw(4), v = Draw(5);
  for (float& value : v) value = std::abs(value);
  std::vector<float> plain = direction, plain_m = m, plain_v = v;
  LambDirection(kStep, kDecay, p.data(), direction.data(), m.data(), v.data(), kCount);
  for (size_t i = 0; i < kCount; ++i) PlainLamb(kStep, kDecay, p[i], &plain[i], &plain_m[i], &plain_v[i]);
  EXPECT_EQ(Bits(direction.data()), Bits(plain.data()));
  EXPECT_EQ(Bits(m.data()), Bits(plain_m.data()));
  EXPECT_EQ(Bits(v.data()), Bits(plain_v.data()));
  std::vector<float> moved = p;
  ApplyDirection(0.3, direction.data(), moved.data(), kCount);
  for (size_t i = 0; i < kCount; ++i) ASSERT_EQ(moved[i], p[i] - 0.3f * direction[i]);
  for (const bool nesterov : {false, true}) {
    const SgdStep step{0.01, 0.9, 0.125, nesterov};
    std::vector<float> weights = p, buffer = Draw(6);
    std::vector<float> plain_weights = weights, plain_buffer = buffer;
    const std::vector<float> g = Draw(7);
    Sgd(step, kDecay, g.data(), weights.data(), buffer.data(), kCount);
    for (size_t i = 0; i < kCount; ++i) PlainSgd(step, kDecay, g[i], &plain_weights[i], &plain_buffer[i]);
    EXPECT_EQ(Bits(weights.data()), Bits(plain_weights.data()));
    EXPECT_EQ(Bits(buffer.data()), Bits(plain_buffer.data()));
  }
}

TEST(BlockMathTest, WhateverTheProcessorGivesTheBitsOfPlainCode) {
  const std::vector<float> a = Draw(1), b = Draw(2);
  std::vector<float> sum(kRoom), into = b, p = Draw(3), m = Draw(4), v = Draw(5), average = Draw(6);
  for (float& value : v) value = std::abs(value);
  std::vector<float> plain_p = p, plain_m = m, plain_v = v, plain_average = average;
  Sum(a.data(), b.data(), sum.data(), kCount);
  Add(a.data(), into.data(), kCount);
  AdamW(kStep, kDecay, a.data(), p.data(), m.data(), v.data(), kCount);
  Ema(0.99, a.data(), average.data(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(sum[i], a[i] + b[i]);
    ASSERT_EQ(into[i], b[i] + a[i]);
    PlainAdamW(kStep, kDecay, a[i], &plain_p[i], &plain_m[i], &plain_v[i]);
    plain_average[i] = static_cast<float>(0.99) * plain_average[i] + static_cast<float>(1 - 0.99) * a[i];
  }
  EXPECT_EQ(Bits(p.data()), Bits(plain_p.data()));
  EXPECT_EQ(Bits(m.data()), Bits(plain_m.data()));
  EXPECT_EQ(Bits(v.data()), Bits(plain_v.data()));
  EXPECT_EQ(Bits(average.data()), Bits(plain_average.data()));
}

// Everything that is done to one range of floats, cut into the pieces given by `bounds`, at `shift` floats from a 64-byte bound.
struct Results {
  std::vector<uint32_t> sum, add, add_bf16, p, m, v, average, wide;
  std::vector<BFloat16Bits> narrow;
  bool operator==(const Results&) const = default;
};

Results ComputeInPieces(std::span<const int64_t> bounds, size_t shift) {
  const auto aligned = [shift](const std::vector<float>& values) {
    std::vector<float> room(kRoom + 64);
    const size_t to_bound = (64 - reinterpret_cast<uintptr_t>(room.data()) % 64) % 64 / sizeof(float);
    std::copy_n(values.begin(), kCount, room.begin() + static_cast<std::ptrdiff_t>(to_bound + shift));
    return std::make_pair(std::move(room), to_bound + shift);
  };
  auto [g_room, g_at] = aligned(Draw(1));
  auto [h_room, h_at] = aligned(Draw(2));
  auto [p_room, p_at] = aligned(Draw(3));
  auto [m_room, m_at] = aligned(Draw(4));
  auto [v_room, v_at] = aligned(std::vector<float>(kRoom, 0.25f));
  auto [e_room, e_at] = aligned(Draw(6));
  auto [s_room, s_at] = aligned(Draw(7));
  auto [w_room, w_at] = aligned(Draw(8));
  auto [x_room, x_at] = aligned(Draw(9));
  float *g = g_room.data() + g_at, *h = h_room.data() + h_at, *p = p_room.data() + p_at, *m = m_room.data() + m_at,
        *v = v_room.data() + v_at;
  float *e = e_room.data() + e_at, *s = s_room.data() + s_at, *w = w_room.data() + w_at, *x = x_room.data() + x_at;
  std::vector<BFloat16Bits> narrow_room(kRoom + 64);
  BFloat16Bits* narrow = narrow_room.data() + shift;
  for (size_t k = 0; k + 1 < bounds.size(); ++k) {
    const int64_t b = bounds[k], n = bounds[k + 1] - b;
    Sum(g + b, h + b, s + b, n);
    Add(g + b, h + b, n);
    AdamW(kStep, kDecay, g + b, p + b, m + b, v + b, n);
    Ema(0.99, p + b, e + b, n);
    CastToBFloat16(g + b, narrow + b, n);
    CastToFloat(narrow + b, w + b, n);
    Add(narrow + b, x + b, n);
  }
  return {Bits(s), Bits(h), Bits(x), Bits(p), Bits(m), Bits(v), Bits(e), Bits(w), {narrow, narrow + kCount}};
}

TEST(BlockMathTest, ResultsDoNotDependOnWhereRangesStartAndEndNorOnAlignment) {
  const int64_t whole[] = {0, kCount}, pieces[] = {0, 1, 4, 9, 25, 26, 90, 155, 500, 517, 999, kCount};
  const Results reference = ComputeInPieces(whole, 0);
  EXPECT_EQ(reference.sum, reference.add);
  for (size_t shift : {0u, 1u, 2u, 3u, 7u}) {  // floats: 4, 8, 12 and 28 bytes
    EXPECT_TRUE(ComputeInPieces(whole, shift) == reference) << shift;
    EXPECT_TRUE(ComputeInPieces(pieces, shift) == reference) << shift;
  }
}

TEST(BlockMathTest, SumWritesOverEitherOfItsInputs) {
  const std::vector<float> a = Draw(1), b = Draw(2);
  std::vector<float> first = a, second = b, apart(kRoom);
  Sum(a.data(), b.data(), apart.data(), kCount);
  Sum(first.data(), b.data(), first.data(), kCount);
  Sum(a.data(), second.data(), second.data(), kCount);
  EXPECT_EQ(Bits(first.data()), Bits(apart.data()));
  EXPECT_EQ(Bits(second.data()), Bits(apart.data()));
}

TEST(BlockMathTest, SumOfSquaresIsCloseToLongDoubleAndKeepsItsOrder) {
  const std::vector<float> x = Draw(1);
  for (int64_t count : {int64_t{0}, int64_t{1}, int64_t{15}, int64_t{16}, int64_t{17}, int64_t{31}, kCount}) {
    long double exact = 0;
    double ways[16] = {};
    for (int64_t i = 0; i < count; ++i) {
      const double value = static_cast<double>(x[static_cast<size_t>(i)]);
      exact += static_cast<long double>(value) * value;
      ways[i % 16] += value * value;
    }
    EXPECT_NEAR(SumOfSquares(x.data(), count), static_cast<double>(exact), 1e-12 * static_cast<double>(exact));
    EXPECT_EQ(SumOfSquares(x.data(), count), plan::ReferenceTreeSum(std::span<const double>(ways))) << count;
    std::vector<float> shifted(kRoom + 1);
    std::copy_n(x.begin(), count, shifted.begin() + 1);
    EXPECT_EQ(SumOfSquares(shifted.data() + 1, count), SumOfSquares(x.data(), count)) << count;
  }
}

TEST(BlockMathTest, SumOfSquaresShowsWhatIsNotFinite) {
  std::vector<float> x = Draw(1);
  x[777] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(SumOfSquares(x.data(), kCount)));
  x[778] = std::nanf("");
  EXPECT_TRUE(std::isnan(SumOfSquares(x.data(), kCount)));
  const float largest = std::numeric_limits<float>::max();
  EXPECT_TRUE(std::isfinite(SumOfSquares(&largest, 1)));
}

TEST(BlockMathTest, TreeSumIsTheBalancedTree) {
  std::vector<double> values;
  std::mt19937 random(1);
  for (int i = 0; i < 64; ++i) values.push_back(std::uniform_real_distribution<double>(-1, 1)(random));
  EXPECT_EQ(TreeSum(values.data(), 0), 0);
  for (size_t count : {1u, 2u, 4u, 64u}) {
    EXPECT_EQ(TreeSum(values.data(), static_cast<int64_t>(count)), plan::ReferenceTreeSum(std::span<const double>(values).first(count)));
  }
  EXPECT_EQ(TreeSum(values.data(), 3), values[0] + values[1] + values[2]);
  EXPECT_EQ(TreeSum(values.data(), 6), ((values[0] + values[1]) + (values[2] + values[3])) + (values[4] + values[5]));
}

}  // namespace
}  // namespace deit::update
