#include "worker/train/evaluation_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace deit::train {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(RankOfTest, TiesGoToTheLowerIndex) {
  const float logits[] = {1, 3, 3, 0};
  EXPECT_EQ(RankOf(logits, 4, 1), 0);
  EXPECT_EQ(RankOf(logits, 4, 2), 1);
  EXPECT_EQ(RankOf(logits, 4, 0), 2);
  EXPECT_EQ(RankOf(logits, 4, 3), 3);
}

TEST(RankOfTest, WhatIsNoNumberIsNeverRight) {
  const float one[] = {1, kNan, 0}, all[] = {kNan, kNan, kNan};
  EXPECT_EQ(RankOf(one, 3, 0), 1);
  EXPECT_EQ(RankOf(one, 3, 1), 2);
  for (int64_t label = 0; label < 3; ++label) EXPECT_EQ(RankOf(all, 3, label), 2);
}

// deit-facts appendix G3, the mean over both rows.
TEST(CrossEntropyTest, IsTheGoldenOne) {
  const float rows[2][4] = {{1, 2, 3, 0}, {.5F, -1, 2, 0}};
  EXPECT_NEAR((CrossEntropy(rows[0], 4, 2) + CrossEntropy(rows[1], 4, 0)) / 2, 1.141270, 1e-6);
}

TEST(EvaluationReportTest, CountsWhoIsRightAndWhoDisagrees) {
  EvaluationReport report({"a", "b", "c"}, 0);
  const float first[] = {6, 5, 4, 3, 2, 1, 0}, second[] = {0, 9, 0, 0, 0, 0, 0}, flat[] = {0, 0, 0, 0, 0, 0, 0};
  report.Add({first, first, second}, 7, 0);
  report.Add({first, second, second}, 7, 4);
  report.Add({flat, first, second}, 7, 6);
  report.Add({first, first, first}, 7, 1);
  EXPECT_EQ(report.images(), 4);
  EXPECT_EQ(report.Accuracy(0), 25);
  EXPECT_EQ(report.Accuracy(1), 25);
  EXPECT_EQ(report.Accuracy(2), 0);
  EXPECT_EQ(report.Accuracy5(0), 75) << "the fifth place counts, the seventh does not";
  EXPECT_EQ(report.Disagreement(0, 1), 0.25) << "ties go to the first class";
  EXPECT_EQ(report.Disagreement(1, 0), 0.25);
  EXPECT_EQ(report.Disagreement(0, 2), 0.75);
  EXPECT_EQ(report.Disagreement(1, 2), 0.5);
  EXPECT_EQ(report.Disagreement(2, 2), 0);
  const double loss = CrossEntropy(first, 7, 0) + CrossEntropy(first, 7, 4) + CrossEntropy(flat, 7, 6) + CrossEntropy(first, 7, 1);
  EXPECT_NEAR(report.Loss(0), loss / 4, 1e-7);
}

TEST(EvaluationReportTest, EachLayerHasItsOwnMean) {
  EvaluationReport report({"only"}, 3);
  const float logits[] = {1, 0};
  for (const double cosine : {0.5, -0.25}) {
    report.Add({logits}, 2, 0);
    for (int64_t layer = 0; layer < 3; ++layer) report.AddCosine(layer, cosine * static_cast<double>(layer));
  }
  EXPECT_EQ(report.Cosine(0), 0);
  EXPECT_NEAR(report.Cosine(1), 0.125, 1e-7);
  EXPECT_NEAR(report.Cosine(2), 0.25, 1e-7);
  EXPECT_EQ(report.Accuracy(0), 100);
}

TEST(EvaluationReportTest, SumsAreThoseOfTheirPartsInAnyOrder) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-4, 4);
  std::vector<std::vector<float>> images(50, std::vector<float>(6));
  for (auto& logits : images) std::generate(logits.begin(), logits.end(), [&] { return uniform(random); });
  const auto sums = [&](size_t begin, size_t end) {
    EvaluationReport report({"a", "b"}, 1);
    for (size_t i = begin; i < end; ++i) {
      report.Add({images[i].data(), images[i].data() + 3}, 3, static_cast<int64_t>(i % 3));
      report.AddCosine(0, static_cast<double>(images[i][0]) / 4);
    }
    return report.sums();
  };
  const std::vector<int64_t> whole = sums(0, 50);
  std::vector<int64_t> parts = sums(20, 50);
  const std::vector<int64_t> rest = sums(0, 20);
  for (size_t k = 0; k < parts.size(); ++k) parts[k] += rest[k];
  EXPECT_EQ(parts, whole);
  EXPECT_EQ(whole.size(), 1 + 2 * 3 + 1 + 1u);
}

TEST(EvaluationReportTest, NothingOverflows) {
  EvaluationReport report({"broken"}, 1);
  const float logits[] = {kNan, 0}, infinite[] = {-std::numeric_limits<float>::infinity(), 3e38F};
  for (int i = 0; i < 1000; ++i) {
    report.Add({logits}, 2, 0);
    report.Add({infinite}, 2, 0);
    report.AddCosine(0, std::nan(""));
  }
  EXPECT_EQ(report.Loss(0), 0x1p10);
  EXPECT_EQ(report.Accuracy(0), 0);
  EXPECT_TRUE(std::isfinite(report.Cosine(0)));
}

TEST(EvaluationReportTest, OfNoImagesIsZero) {
  const EvaluationReport report({"a", "b"}, 2);
  EXPECT_EQ(report.images(), 0);
  EXPECT_EQ(report.Accuracy(1), 0);
  EXPECT_EQ(report.Loss(1), 0);
  EXPECT_EQ(report.Disagreement(0, 1), 0);
  EXPECT_EQ(report.Cosine(1), 0);
}

}  // namespace
}  // namespace deit::train
