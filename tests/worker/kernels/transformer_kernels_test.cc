#include "worker/kernels/transformer_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::kernels {
namespace {

// Something irregular in [-amplitude, amplitude].
std::vector<float> Wave(int64_t count, double amplitude, double phase) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    const double t = static_cast<double>(i);
    values[i] = static_cast<float>(amplitude * std::sin(1.7 * t + phase) * std::cos(0.3 * t * phase));
  }
  return values;
}

float FromBf16(Bf16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16); }

double Phi(double u) { return 0.5 * std::erfc(-u / std::numbers::sqrt2); }

TEST(GeluTest, IsExactGeluToFloatPrecision) {
  std::vector<float> u;
  for (int i = -1300; i <= 1300; ++i) u.push_back(static_cast<float>(i) * 0.01F);
  std::vector<float> out(u.size());
  Gelu(u.data(), static_cast<int64_t>(u.size()), out.data());
  for (size_t i = 0; i < u.size(); ++i) EXPECT_NEAR(out[i], u[i] * Phi(u[i]), 1e-6 * std::max(1.0F, std::abs(u[i]))) << u[i];
}

TEST(GeluTest, BackwardMultipliesByTheDerivativeAndSumsColumns) {
  const std::vector<float> u = Wave(5 * 21, 4, 0.4);
  std::vector<float> gradient = Wave(5 * 21, 1, 0.9);
  const std::vector<float> given = gradient;
  std::vector<float> sums(21, 0.5F);
  GeluBackward(u.data(), gradient.data(), 5, 21, sums.data());
  for (size_t c = 0; c < 21; ++c) {
    double sum = 0.5;
    for (size_t r = 0; r < 5; ++r) {
      const double v = u[r * 21 + c];
      const double derivative = Phi(v) + v * std::exp(-v * v / 2) / std::sqrt(2 * std::numbers::pi);
      EXPECT_NEAR(gradient[r * 21 + c], given[r * 21 + c] * derivative, 2e-6);
      sum += given[r * 21 + c] * derivative;
    }
    EXPECT_NEAR(sums[c], sum, 1e-5);
  }
}

TEST(SoftmaxTest, MatchesItsDefinitionAtEveryWidth) {
  for (const int64_t cols : {1, 2, 15, 16, 17, 198, 577}) {
    std::vector<float> scores = Wave(3 * cols, 20, 0.3);
    const std::vector<float> given = scores;
    Softmax(scores.data(), 0.125F, 3, cols);
    for (int64_t r = 0; r < 3; ++r) {
      double total = 0;
      for (int64_t c = 0; c < cols; ++c) total += std::exp(0.125 * given[static_cast<size_t>(r * cols + c)]);
      for (int64_t c = 0; c < cols; ++c) {
        const size_t at = static_cast<size_t>(r * cols + c);
        EXPECT_NEAR(scores[at], std::exp(0.125 * given[at]) / total, 1e-6) << cols;
      }
    }
  }
}

TEST(SoftmaxTest, BackwardMatchesItsDefinition) {
  constexpr int64_t kCols = 37;
  std::vector<float> p = Wave(2 * kCols, 5, 0.2);
  Softmax(p.data(), 1.0F, 2, kCols);
  std::vector<float> gradient = Wave(2 * kCols, 1, 0.8);
  const std::vector<float> given = gradient;
  SoftmaxBackward(p.data(), gradient.data(), 0.25F, 2, kCols);
  for (size_t r = 0; r < 2; ++r) {
    double inner = 0;
    for (size_t c = r * kCols; c < (r + 1) * kCols; ++c) inner += static_cast<double>(p[c]) * given[c];
    for (size_t c = r * kCols; c < (r + 1) * kCols; ++c) EXPECT_NEAR(gradient[c], 0.25 * p[c] * (given[c] - inner), 1e-7);
  }
}

TEST(NormTest, ForwardAndBackwardMatchFiniteDifferences) {
  constexpr int64_t kRows = 3;
  constexpr int64_t kCols = 20;
  const std::vector<float> gamma = Wave(kCols, 2, 0.7);
  const std::vector<float> beta = Wave(kCols, 1, 0.1);
  std::vector<float> x = Wave(kRows * kCols, 3, 0.5);
  const std::vector<float> dout = Wave(kRows * kCols, 1, 0.35);
  std::vector<float> out(x.size());
  std::vector<float> mean(kRows);
  std::vector<float> rstd(kRows);
  const auto loss = [&] {
    NormForward(x.data(), gamma.data(), beta.data(), kRows, kCols, out.data(), mean.data(), rstd.data());
    double sum = 0;
    for (size_t i = 0; i < out.size(); ++i) sum += static_cast<double>(out[i]) * dout[i];
    return sum;
  };
  loss();
  std::vector<float> dx(x.size());
  std::vector<float> dgamma(kCols, 0.0F);
  std::vector<float> dbeta(kCols, 0.0F);
  NormBackward<float>({dout.data(), nullptr, 0}, x.data(), mean.data(), rstd.data(), gamma.data(), nullptr, 0, kRows, kCols, dx.data(),
                      dgamma.data(), dbeta.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const float kept = x[i];
    x[i] = kept + 0.01F;
    const double above = loss();
    x[i] = kept - 0.01F;
    const double below = loss();
    x[i] = kept;
    EXPECT_NEAR(dx[i], (above - below) / 0.02, 2e-3) << i;
  }
  double expected = 0;
  for (size_t r = 0; r < kRows; ++r) expected += dout[r * kCols + 4];
  EXPECT_NEAR(dbeta[4], expected, 1e-6);
}

TEST(NormTest, BackwardAddsLeadAndResidualToTheFirstRows) {
  constexpr int64_t kCols = 16;
  const std::vector<float> gamma(kCols, 1.0F);
  const std::vector<float> x = Wave(2 * kCols, 3, 0.5);
  const std::vector<float> all = Wave(2 * kCols, 1, 0.35);
  const std::vector<float> lead = Wave(kCols, 1, 0.6);
  const std::vector<float> residual = Wave(kCols, 1, 0.25);
  std::vector<float> out(x.size()), mean(2), rstd(2), sums(2 * kCols);
  NormForward(x.data(), gamma.data(), sums.data(), 2, kCols, out.data(), mean.data(), rstd.data());
  const auto backward = [&](NormGradient<float> dout, const float* skip, int64_t skip_rows) {
    std::vector<float> dx(x.size());
    NormBackward(dout, x.data(), mean.data(), rstd.data(), gamma.data(), skip, skip_rows, 2, kCols, dx.data(), sums.data(),
                 sums.data() + kCols);
    return dx;
  };
  std::vector<float> joined = all;
  for (size_t c = 0; c < kCols; ++c) joined[c] += lead[c];
  std::vector<float> expected = backward({joined.data(), nullptr, 0}, nullptr, 0);
  for (size_t c = 0; c < kCols; ++c) expected[c] += residual[c];
  EXPECT_THAT(backward({all.data(), lead.data(), 1}, residual.data(), 1), testing::Pointwise(testing::FloatNear(1e-6F), expected));
}

TEST(BranchTest, AddAndGradientScale) {
  const std::vector<float> x = Wave(2 * 19, 1, 0.2);
  const std::vector<float> branch = Wave(2 * 19, 1, 0.4);
  std::vector<float> out(x.size());
  AddBranch(x.data(), branch.data(), 2.0F, 38, out.data());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(out[i], x[i] + 2.0F * branch[i]);
  std::vector<float> sums(19, 0.0F);
  BranchGradient(x.data(), 2.0F, 2, 19, out.data(), sums.data());
  for (size_t c = 0; c < 19; ++c) EXPECT_EQ(sums[c], 2.0F * x[c] + 2.0F * x[19 + c]);
}

TEST(Bf16Test, RoundsToNearestEvenAndKeepsNotANumber) {
  const std::vector<float> values = {1.0F,
                                     1.00390625F,
                                     1.01171875F,
                                     1.0039064F,
                                     -3.14159F,
                                     1e-40F,
                                     std::numeric_limits<float>::infinity(),
                                     std::bit_cast<float>(0x7FFFFFFFU),
                                     std::bit_cast<float>(0xFFFFFFFFU),
                                     3.4e38F};
  std::vector<Bf16> rounded(values.size());
  BranchGradient(values.data(), 1.0F, 1, static_cast<int64_t>(values.size()), rounded.data(), nullptr);
  EXPECT_EQ(FromBf16(rounded[0]), 1.0F);
  EXPECT_EQ(FromBf16(rounded[1]), 1.0F);       // a tie, down to even
  EXPECT_EQ(FromBf16(rounded[2]), 1.015625F);  // a tie, up to even
  EXPECT_EQ(FromBf16(rounded[3]), 1.0078125F);
  EXPECT_EQ(FromBf16(rounded[4]), -3.140625F);
  EXPECT_TRUE(std::isinf(FromBf16(rounded[6])));
  EXPECT_TRUE(std::isnan(FromBf16(rounded[7])));
  EXPECT_TRUE(std::isnan(FromBf16(rounded[8])));
  EXPECT_TRUE(std::isinf(FromBf16(rounded[9])));
}

TEST(HeadsTest, MergeInvertsSplitAndSumsColumns) {
  constexpr int64_t kRows = 3, kHeads = 2, kDim = 5, kStride = 14;
  const std::vector<float> rows = Wave(kRows * kStride, 1, 0.6);
  std::vector<float> heads(kRows * kHeads * kDim);
  SplitHeads(rows.data() + 2, kStride, kRows, kHeads, kDim, heads.data());
  EXPECT_EQ(heads[1 * kRows * kDim + 2 * kDim + 3], rows[2 + 2 * kStride + 1 * kDim + 3]);
  std::vector<float> back(rows.size(), 0.0F);
  std::vector<float> sums(kHeads * kDim, 0.0F);
  MergeHeads(heads.data(), kStride, kRows, kHeads, kDim, back.data() + 2, sums.data());
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t c = 2; c < 12; ++c) EXPECT_EQ(back[r * kStride + c], rows[r * kStride + c]);
  }
  EXPECT_FLOAT_EQ(sums[7], rows[2 + 7] + rows[kStride + 2 + 7] + rows[2 * kStride + 2 + 7]);
}

TEST(PatchifyTest, OrdersPatchesRowsAndChannelsAsAConvolution) {
  constexpr int64_t kSize = 6, kPatch = 3;
  std::vector<float> image(2 * kSize * kSize);
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i);
  std::vector<float> patches(image.size());
  Patchify(image.data(), 2, kSize, kPatch, patches.data());
  // Patch (1, 0), channel 1, pixel (2, 1) of the patch: image row 5, column 1.
  EXPECT_EQ(patches[2 * 18 + 9 + 2 * 3 + 1], static_cast<float>(36 + 5 * 6 + 1));
}

// Law 1: the same bits wherever a buffer begins.
TEST(KernelsTest, DoNotDependOnAlignment) {
  constexpr int64_t kCols = 198, kRows = 4;
  const std::vector<float> given = Wave(kRows * kCols, 8, 0.45);
  std::vector<std::vector<float>> results;
  for (const size_t shift : {0UL, 1UL, 3UL}) {
    std::vector<float> memory(given.size() + 4);
    float* const at = memory.data() + shift;
    std::copy(given.begin(), given.end(), at);
    Softmax(at, 0.125F, kRows, kCols);
    Gelu(at, kRows * kCols, at);
    results.emplace_back(at, at + given.size());
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(KernelsTest, PassNotANumberOn) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scores(20, 1.0F);
  scores[17] = nan;
  Softmax(scores.data(), 1.0F, 1, 20);
  EXPECT_TRUE(std::isnan(scores[0]));
  std::vector<float> u(3, nan);
  Gelu(u.data(), 3, u.data());
  EXPECT_TRUE(std::isnan(u[0]));
}

}  // namespace
}  // namespace deit::kernels
