// How models start, against their references: tests/parity/initial_values.py wrote the numbers of timm and vit-pytorch.
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

struct Statistics {
  double count = 0, mean = 0, deviation = 0, kurtosis = 0;  // kurtosis 3: normal, 1.8: uniform, 0: constant
};

Statistics StatisticsOf(const std::vector<float>& values) {
  Statistics s{.count = static_cast<double>(values.size())};
  for (const float v : values) s.mean += v / s.count;
  double second = 0, fourth = 0;
  for (const float v : values) {
    const double square = (v - s.mean) * (v - s.mean);
    second += square / s.count;
    fourth += square * square / s.count;
  }
  s.deviation = std::sqrt(second);
  s.kurtosis = second > 0 ? fourth / (second * second) : 0;
  return s;
}

// Values of several models, which differ in their seeds; the first ones of a large tensor, which are drawn like the others.
std::vector<float> Draw(TensorSpec spec, int index) {
  constexpr int64_t kEnough = 40000, kSeeds = 40;
  spec.shape = {std::min(spec.size(), kEnough)};
  std::vector<float> values;
  for (uint64_t seed = 0; seed < kSeeds && static_cast<int64_t>(values.size()) < kEnough; ++seed) {
    std::vector<float> drawn(static_cast<size_t>(spec.size()));
    EXPECT_TRUE(InitialiseTensor(spec, index, seed, drawn.data()).ok());
    values.insert(values.end(), drawn.begin(), drawn.end());
  }
  return values;
}

void ExpectAlike(const std::string& name, const std::vector<float>& values, const Statistics& reference) {
  const Statistics ours = StatisticsOf(values);
  if (reference.kurtosis == 0) {
    for (const float v : values) ASSERT_EQ(v, static_cast<float>(reference.mean)) << name << " is constant in the reference";
    return;
  }
  const double spread = std::sqrt(1 / ours.count + 1 / reference.count);  // of a mean, in deviations
  EXPECT_NEAR(ours.mean, reference.mean, 5 * spread * reference.deviation) << name;
  EXPECT_NEAR(ours.deviation / reference.deviation, 1, 5 * spread * std::sqrt((reference.kurtosis - 1) / 4)) << name;
  if (ours.count < 2000 || reference.count < 2000) return;
  EXPECT_NEAR(ours.kurtosis, reference.kurtosis, 0.6) << name << ": another distribution";
}

struct Reference {
  v1::ModelSpec spec;
  std::map<std::string, Statistics> tensors;
};

std::vector<Reference> References() {
  std::ifstream file(std::string(DEIT_GOLDEN_DIR) + "/initial_values.txt");
  std::vector<Reference> references;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("name: ")) {
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(line, &references.emplace_back().spec)) << line;
      continue;
    }
    std::istringstream words(line);
    std::string name;
    Statistics s;
    words >> name >> s.count >> s.mean >> s.deviation >> s.kurtosis;
    references.back().tensors[name] = s;
  }
  return references;
}

TEST(InitialValuesTest, HaveTheReferencesMeansDeviationsAndConstants) {
  const std::vector<Reference> references = References();
  EXPECT_EQ(references.size(), 12U);
  for (const Reference& reference : references) {
    const std::vector<TensorSpec> tensors = TensorsOf(*ResolveModel(reference.spec));
    size_t compared = 0;
    for (size_t t = 0; t < tensors.size(); ++t) {
      if (tensors[t].role == TensorRole::kBatchesTracked) continue;
      const auto known = reference.tensors.find(tensors[t].name);
      ASSERT_NE(known, reference.tensors.end()) << tensors[t].name;
      ExpectAlike(reference.spec.name() + " " + tensors[t].name, Draw(tensors[t], static_cast<int>(t)), known->second);
      ++compared;
    }
    EXPECT_EQ(compared, reference.tensors.size()) << reference.spec.name();
  }
}

}  // namespace
}  // namespace deit::models
