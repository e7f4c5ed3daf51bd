// Every drawn parameter against timm's: Kolmogorov-Smirnov on the quantiles in golden/distributions.txt (tests/parity/distributions.py).
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "worker/augment/erasing.h"
#include "worker/augment/mixing.h"
#include "worker/augment/view_parameters.h"

namespace deit::augment {
namespace {

constexpr uint64_t kSeed = 11;
constexpr uint64_t kDraws = 20000;

using Values = std::map<std::string, std::vector<double>>;

void AddShape(const std::string& name, const pixels::Rectangle& box, Values* values) {
  (*values)[name + ".area"].push_back(box.width * box.height);
  (*values)[name + ".aspect"].push_back(static_cast<double>(box.width) / box.height);
}

void DrawCrops(Values* values) {
  for (uint64_t position = 0; position < kDraws; ++position) {
    const auto crop = ResizedCrop(500, 375, 224, {}, plan::RandomStream(kSeed, position, plan::Purpose::kCrop)).crop;
    (*values)["crop.left"].push_back(crop.left);
    (*values)["crop.top"].push_back(crop.top);
    (*values)["crop.width"].push_back(crop.width);
    (*values)["crop.height"].push_back(crop.height);
    AddShape("crop", crop, values);
  }
}

void AddBox(const std::string& name, const pixels::Rectangle& box, Values* values) {
  (*values)[name + ".left"].push_back(box.left);
  (*values)[name + ".top"].push_back(box.top);
  (*values)[name + ".width"].push_back(box.width);
  (*values)[name + ".height"].push_back(box.height);
}

void DrawBoxes(int count, Values* values) {
  v1::AugmentSpec augment;
  augment.set_reprob(0.25);
  augment.set_recount(count);
  const std::string name = "erase" + std::to_string(count);
  std::vector<pixels::Rectangle> boxes;
  for (uint64_t position = 0; position < kDraws; ++position) {
    DrawErasures(augment, kSeed, position, 224, &boxes);
    (*values)[name + ".boxes"].push_back(static_cast<double>(boxes.size()));
    for (const auto& box : boxes) {
      AddBox(name, box, values);
      AddShape(name, box, values);
    }
  }
}

void DrawMixesOf(const std::string& name, const v1::AugmentSpec& augment, Values* values) {
  std::vector<Mix> mixes;
  for (uint64_t position = 0; position < kDraws; ++position) {
    DrawMixes(augment, kSeed, position, 2, 64, &mixes);
    const int kind = static_cast<int>(mixes[0].kind);
    (*values)[name + ".kind"].push_back(kind);
    if (kind > 0) (*values)[name + ".keep" + std::to_string(kind)].push_back(mixes[0].keep);
    if (mixes[0].kind == Mix::Kind::kCutmix) AddBox(name, mixes[0].box, values);
  }
}

// timm's names in alphabetical order.
double NumberOf(const OperationKind* kind) {
  static const std::vector<absl::string_view> kNames = {"AutoContrast",
                                                        "Brightness",
                                                        "BrightnessIncreasing",
                                                        "Color",
                                                        "ColorIncreasing",
                                                        "Contrast",
                                                        "ContrastIncreasing",
                                                        "Desaturate",
                                                        "Equalize",
                                                        "GaussianBlur",
                                                        "Invert",
                                                        "Posterize",
                                                        "PosterizeIncreasing",
                                                        "Rotate",
                                                        "Sharpness",
                                                        "SharpnessIncreasing",
                                                        "ShearX",
                                                        "ShearY",
                                                        "Solarize",
                                                        "SolarizeAdd",
                                                        "SolarizeIncreasing",
                                                        "TranslateXRel",
                                                        "TranslateYRel"};
  return static_cast<double>(std::find(kNames.begin(), kNames.end(), kind->name) - kNames.begin());
}

v1::JobSpec SpecWith(const std::string& aa, double color_jitter) {
  v1::JobSpec spec;
  spec.mutable_augment()->set_aa(aa);
  spec.mutable_augment()->set_color_jitter(color_jitter);
  spec.mutable_augment()->set_crop(v1::AugmentSpec::PADDED);
  spec.mutable_data()->set_seed(kSeed);
  spec.mutable_model()->set_img_size(224);
  return spec;
}

void DrawOperations(const std::string& aa, Values* values) {
  const auto policy = ViewPolicy::ForTraining(SpecWith(aa, 0));
  ASSERT_TRUE(policy.ok()) << policy.status();
  ViewParameters parameters;
  for (uint64_t position = 0; position < kDraws; ++position) {
    policy->Draw(position, 224, 224, &parameters);
    const auto& operations = parameters.operations;
    (*values)[aa + ".count"].push_back(static_cast<double>(operations.size()));
    if (!operations.empty()) {
      (*values)[aa + ".first"].push_back(NumberOf(operations.front().kind));
      (*values)[aa + ".last"].push_back(NumberOf(operations.back().kind));
    }
    for (const Operation& operation : operations) {
      if (operation.kind->argument == nullptr) continue;
      (*values)[aa + "." + std::string(operation.kind->name)].push_back(operation.argument);
    }
  }
}

void DrawJitters(Values* values) {
  const auto policy = ViewPolicy::ForTraining(SpecWith("", 0.3));
  ASSERT_TRUE(policy.ok()) << policy.status();
  const std::map<absl::string_view, std::pair<int, std::string>> names = {
      {"Brightness", {0, "jitter.brightness"}}, {"Contrast", {1, "jitter.contrast"}}, {"Color", {2, "jitter.saturation"}}};
  ViewParameters parameters;
  for (uint64_t position = 0; position < kDraws; ++position) {
    policy->Draw(position, 224, 224, &parameters);
    ASSERT_EQ(parameters.operations.size(), 3u);
    for (const Operation& operation : parameters.operations) (*values)[names.at(operation.kind->name).second].push_back(operation.argument);
    (*values)["jitter.first"].push_back(names.at(parameters.operations.front().kind->name).first);
    (*values)["jitter.last"].push_back(names.at(parameters.operations.back().kind->name).first);
  }
}

// What is one of two; 1 is a flip, and bilinear.
void DrawChoices(Values* values) {
  v1::JobSpec spec = SpecWith("rand-m9-mstd0.5-inc1", 0);
  spec.mutable_augment()->set_hflip(0.3);
  spec.mutable_augment()->set_interpolation(v1::AugmentSpec::RANDOM);
  const auto policy = ViewPolicy::ForTraining(spec);
  ASSERT_TRUE(policy.ok()) << policy.status();
  ViewParameters parameters;
  auto& filters = (*values)["operations.filter"];
  for (uint64_t position = 0; position < kDraws || filters.size() < kDraws; ++position) {
    policy->Draw(position, 224, 224, &parameters);
    if (position < kDraws) {
      (*values)["flip"].push_back(parameters.framing.flip);
      (*values)["filter"].push_back(parameters.filter == pixels::Filter::kBilinear);
    }
    for (const Operation& operation : parameters.operations) {
      if (!operation.kind->moves_pixels || filters.size() == kDraws) continue;
      filters.push_back(operation.filter == pixels::Filter::kBilinear);
    }
  }
}

void DrawFills(Values* values) {
  std::vector<float> plane(100 * 100);
  for (uint64_t position = 0; position < 2; ++position) {
    Erase(v1::AugmentSpec::PIXEL, kSeed, position, {{0, 0, 100, 100}}, 1, 100, plane.data());
    (*values)["fill.pixel"].insert((*values)["fill.pixel"].end(), plane.begin(), plane.end());
  }
  for (uint64_t position = 0; position < kDraws / 4; ++position) {
    Erase(v1::AugmentSpec::RAND, kSeed, position, {{0, 0, 1, 1}}, 4, 1, plane.data());
    (*values)["fill.rand"].insert((*values)["fill.rand"].end(), plane.begin(), plane.begin() + 4);
  }
}

const Values& Ours() {
  static const Values* const kValues = [] {
    auto* values = new Values;
    DrawCrops(values);
    for (const int count : {1, 3}) DrawBoxes(count, values);
    v1::AugmentSpec mix, rarely, between;
    mix.set_mixup(0.8), mix.set_cutmix(1);
    rarely.set_mixup(2.5), rarely.set_mixup_prob(0.4);
    between.add_cutmix_minmax(0.2), between.add_cutmix_minmax(0.7);
    DrawMixesOf("mix", mix, values);
    DrawMixesOf("mix_rarely", rarely, values);
    DrawMixesOf("cut_between", between, values);
    for (const char* aa : {"rand-m9-mstd0.5-inc1", "rand-n3-p0.9-tweights-m7-mstd101", "rand-m12-n3-mmax15-t3aw-p1", "rand-m4-mstd2"}) {
      DrawOperations(aa, values);
    }
    DrawJitters(values);
    DrawChoices(values);
    DrawFills(values);
    for (auto& [name, drawn] : *values) std::sort(drawn.begin(), drawn.end());
    return values;
  }();
  return *kValues;
}

// Largest distance of the two distribution functions at timm's quantiles; a value that many draws share is a step.
double Distance(const std::vector<double>& ours, const std::vector<double>& quantiles) {
  double largest = 0;
  for (size_t i = 0; i < quantiles.size(); ++i) {
    const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(quantiles.size());
    const double slack = 1e-6 * std::max(1.0, std::abs(quantiles[i]));  // digits of the file, fp32 on one side
    const auto share = [&](double value) {
      return static_cast<double>(std::lower_bound(ours.begin(), ours.end(), value) - ours.begin()) / static_cast<double>(ours.size());
    };
    largest = std::max({largest, share(quantiles[i] - slack) - p, p - share(quantiles[i] + slack)});
  }
  return largest;
}

TEST(DistributionsTest, EqualTimms) {
  std::ifstream file(DEIT_GOLDEN_DIR "/distributions.txt");
  std::string line;
  size_t parameters = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name;
    double draws = 0, quantile = 0;
    words >> name >> draws;
    std::vector<double> quantiles;
    while (words >> quantile) quantiles.push_back(quantile);
    const auto ours = Ours().find(name);
    ASSERT_NE(ours, Ours().end()) << name;
    const double n = static_cast<double>(ours->second.size());
    EXPECT_NEAR(n, draws, 6 * std::sqrt(std::max(n, draws))) << name;
    // 1 in 2,000 by chance (of 100 parameters, and the seeds are fixed).
    EXPECT_LT(Distance(ours->second, quantiles), 1.95 * std::sqrt(1 / n + 1 / draws)) << name;
    ++parameters;
  }
  EXPECT_EQ(parameters, Ours().size());
}

}  // namespace
}  // namespace deit::augment
