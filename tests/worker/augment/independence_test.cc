// What is drawn for neighbouring positions, and for different purposes at one position, is independent: chi-square of each pair of
// parameters.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "worker/augment/erasing.h"
#include "worker/augment/mixing.h"
#include "worker/augment/view_parameters.h"

namespace deit::augment {
namespace {

constexpr uint64_t kPositions = 40000;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();  // not drawn at this position

// (purpose, parameter) -> its value at each position.
using Series = std::map<std::pair<std::string, std::string>, std::vector<double>>;

v1::JobSpec Spec() {  // 3a is the set beside which colours are jittered too
  v1::JobSpec spec;
  v1::AugmentSpec* augment = spec.mutable_augment();
  augment->set_crop(v1::AugmentSpec::RESIZED);
  augment->set_interpolation(v1::AugmentSpec::RANDOM);
  augment->set_aa("rand-m9-mstd2-n2-t3a");
  augment->set_color_jitter(0.3);
  augment->set_reprob(0.5);
  augment->set_recount(2);
  augment->set_mixup(0.8);
  augment->set_cutmix(1);
  spec.mutable_data()->set_seed(7);
  spec.mutable_model()->set_img_size(224);
  return spec;
}

void AddView(const ViewParameters& view, Series* series) {
  const auto add = [series](const char* purpose, const char* name, double value) { (*series)[{purpose, name}].push_back(value); };
  const pixels::Rectangle& crop = view.framing.crop;
  add("crop", "area", crop.width * crop.height);
  add("crop", "aspect", static_cast<double>(crop.width) / crop.height);
  add("crop", "left", crop.left);
  add("crop", "top", crop.top);
  add("flip", "flip", view.framing.flip);
  add("filter", "filter", static_cast<double>(view.filter));
  const size_t drawn = view.operations.size() - 3;  // the jitter's three come last
  add("operations", "count", static_cast<double>(drawn));
  for (size_t k = 0; k < 2; ++k) {
    static std::map<const OperationKind*, double> numbers;
    const bool there = k < drawn;
    add("operations", k == 0 ? "first" : "second",
        there ? numbers.emplace(view.operations[k].kind, static_cast<double>(numbers.size())).first->second : kNone);
    add("operations", k == 0 ? "strength" : "second strength", there ? view.operations[k].argument : kNone);
  }
  add("jitter", "first", static_cast<double>(view.operations[drawn].kind->name.size()));  // Brightness, Contrast or Color
  add("jitter", "factor", view.operations[drawn].argument);
  const bool erased = !view.erasures.empty();
  add("erasing", "boxes", static_cast<double>(view.erasures.size()));
  add("erasing", "left", erased ? view.erasures[0].left : kNone);
  add("erasing", "top", erased ? view.erasures[0].top : kNone);
  add("erasing", "area", erased ? view.erasures[0].width * view.erasures[0].height : kNone);
}

Series Draw() {
  const v1::JobSpec spec = Spec();
  const auto policy = ViewPolicy::ForTraining(spec);
  EXPECT_TRUE(policy.ok()) << policy.status();
  Series series;
  ViewParameters view;
  std::vector<Mix> mixes;
  for (uint64_t position = 0; position < kPositions; ++position) {
    policy->Draw(position, 500, 375, &view);
    AddView(view, &series);
    float fill = 0;
    Erase(v1::AugmentSpec::PIXEL, policy->seed(), position, {{0, 0, 1, 1}}, 1, 1, &fill);
    series[{"fill", "fill"}].push_back(fill);
    DrawMixes(spec.augment(), policy->seed(), position, 2, 64, &mixes);
    series[{"mixing", "kind"}].push_back(static_cast<double>(mixes[0].kind));
    series[{"mixing", "keep"}].push_back(mixes[0].keep);
    series[{"mixing", "left"}].push_back(mixes[0].kind == Mix::Kind::kCutmix ? mixes[0].box.left : kNone);
  }
  return series;
}

// Few values stand each for itself, many for their quarter; none is one more.
std::vector<size_t> Categories(const std::vector<double>& values) {
  std::vector<double> bounds;  // the largest value of each category
  for (const double value : values) {
    if (!std::isnan(value)) bounds.push_back(value);
  }
  std::sort(bounds.begin(), bounds.end());
  const std::set<double> distinct(bounds.begin(), bounds.end());
  if (distinct.size() > 16) bounds = {bounds[bounds.size() / 4], bounds[bounds.size() / 2], bounds[bounds.size() * 3 / 4], bounds.back()};
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  std::vector<size_t> categories;
  for (const double value : values) {
    categories.push_back(std::isnan(value) ? bounds.size()
                                           : static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin()));
  }
  return categories;
}

// How far a at each position and b `distance` further on are from independence: chi-square as a standard normal number (by Wilson and
// Hilferty's cube root).
double Dependence(const std::vector<size_t>& a, const std::vector<size_t>& b, size_t distance) {
  constexpr size_t kMost = 18;
  std::vector<double> table(kMost * kMost), rows(kMost), columns(kMost);
  const size_t count = a.size() - distance;
  for (size_t i = 0; i < count; ++i) {
    ++table[a[i] * kMost + b[i + distance]];
    ++rows[a[i]];
    ++columns[b[i + distance]];
  }
  double chi_square = 0;
  for (size_t r = 0; r < kMost; ++r) {
    for (size_t c = 0; c < kMost; ++c) {
      const double expected = rows[r] * columns[c] / static_cast<double>(count);
      if (expected > 0) chi_square += (table[r * kMost + c] - expected) * (table[r * kMost + c] - expected) / expected;
    }
  }
  const auto present = [](const std::vector<double>& sums) {
    return kMost - static_cast<size_t>(std::count(sums.begin(), sums.end(), 0.0));
  };
  const double freedom = static_cast<double>((present(rows) - 1) * (present(columns) - 1));
  EXPECT_GE(freedom, 1);
  const double variance = 2 / (9 * freedom);
  return (std::cbrt(chi_square / freedom) - (1 - variance)) / std::sqrt(variance);
}

TEST(IndependenceTest, OfNeighbouringPositionsAndOfPurposes) {
  std::map<std::pair<std::string, std::string>, std::vector<size_t>> categories;
  for (const auto& [name, values] : Draw()) categories[name] = Categories(values);
  EXPECT_EQ(categories.size(), 21u);
  constexpr double kUnlikely = 4.5;  // by chance 1 in 300 for all pairs together; the seed is fixed
  for (const auto& [a, values_a] : categories) {
    for (const auto& [b, values_b] : categories) {
      EXPECT_LT(Dependence(values_a, values_b, 1), kUnlikely) << a.first << " " << a.second << ", next " << b.first << " " << b.second;
      if (a.first == b.first) continue;
      EXPECT_LT(Dependence(values_a, values_b, 0), kUnlikely) << a.first << " " << a.second << ", " << b.first << " " << b.second;
    }
  }
  EXPECT_GT(Dependence(categories[{"crop", "area"}], categories[{"crop", "left"}], 0), 20) << "a large crop cannot stand far right";
}

}  // namespace
}  // namespace deit::augment
