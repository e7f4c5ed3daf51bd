#include "worker/train/evaluation_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/status.h"

namespace deit::train {
namespace {

constexpr double kUnit = 0x1p-24;
constexpr double kLargest = 0x1p10;

// A NaN counts as the largest: it is worse than any loss.
int64_t InUnits(double value) {
  const double cut = std::isnan(value) ? kLargest : std::clamp(value, -kLargest, kLargest);
  return std::llround(cut / kUnit);
}

int64_t FirstLargest(const float* logits, int64_t classes) { return std::max_element(logits, logits + classes) - logits; }

}  // namespace

int64_t RankOf(const float* logits, int64_t classes, int64_t label) {
  const float own = logits[label];
  int64_t before = 0;
  for (int64_t c = 0; c < classes; ++c) {
    const bool behind = logits[c] < own || (logits[c] == own && c > label);
    before += c != label && !behind;
  }
  return before;
}

double CrossEntropy(const float* logits, int64_t classes, int64_t label) {
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(logits[c]) - largest);
  return largest + std::log(sum) - static_cast<double>(logits[label]);
}

EvaluationReport::EvaluationReport(std::vector<std::string> predictors, int64_t layers)
    : predictors_(std::move(predictors)), layers_(layers) {
  DEIT_CHECK(!predictors_.empty() && layers >= 0);
  sums_.assign(Pair(0, predictors_.size()), 0);
}

// Pairs by their second predictor, then the first: all pairs of v predictors come before pair (0, v).
size_t EvaluationReport::Pair(size_t a, size_t b) const {
  const size_t low = std::min(a, b), high = std::max(a, b);
  DEIT_CHECK(low < high && high <= predictors_.size(), a, " ", b);
  return Layer(layers_) + high * (high - 1) / 2 + low;
}

size_t EvaluationReport::Layer(int64_t layer) const { return First(predictors_.size()) + static_cast<size_t>(layer); }

void EvaluationReport::Add(const std::vector<const float*>& logits, int64_t classes, int64_t label) {
  DEIT_CHECK(logits.size() == predictors_.size(), logits.size());
  ++sums_[0];
  std::vector<int64_t> said;
  for (size_t v = 0; v < logits.size(); ++v) {
    const int64_t rank = RankOf(logits[v], classes, label);
    sums_[First(v)] += rank == 0;
    sums_[First(v) + 1] += rank < 5;
    sums_[First(v) + 2] += InUnits(CrossEntropy(logits[v], classes, label));
    said.push_back(FirstLargest(logits[v], classes));
    for (size_t other = 0; other < v; ++other) sums_[Pair(other, v)] += said[other] != said[v];
  }
}

void EvaluationReport::AddCosine(int64_t layer, double cosine) {
  DEIT_CHECK(layer >= 0 && layer < layers_, layer);
  sums_[Layer(layer)] += InUnits(cosine);
}

double EvaluationReport::Mean(int64_t sum) const { return images() == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(images()); }

double EvaluationReport::Loss(size_t predictor) const { return Mean(sums_[First(predictor) + 2]) * kUnit; }

double EvaluationReport::Disagreement(size_t a, size_t b) const { return a == b ? 0 : Mean(sums_[Pair(a, b)]); }

double EvaluationReport::Cosine(int64_t layer) const { return Mean(sums_[Layer(layer)]) * kUnit; }

}  // namespace deit::train
