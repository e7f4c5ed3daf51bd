#include "common/models/tensor_spec.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/models/transformer_tensors.h"

namespace deit::models {
namespace {

TransformerSizes Sizes(int64_t width, int64_t heads, bool distilled) {
  return {.classes = 1000,
          .image = 224,
          .channels = 3,
          .patch = 16,
          .width = width,
          .depth = 12,
          .heads = heads,
          .hidden = 4 * width,
          .drop_path = 0,
          .pos_drop = 0,
          .proj_drop = 0,
          .distilled = distilled};
}

std::vector<std::string> Lines(const std::vector<TensorSpec>& tensors) {
  std::vector<std::string> lines;
  for (const TensorSpec& tensor : tensors) {
    std::string line = tensor.name;
    for (const int64_t extent : tensor.shape) line.append(" ").append(std::to_string(extent));
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> GoldenLines(const std::string& model) {
  std::ifstream file(std::string(DEIT_GOLDEN_DIR) + "/" + model + ".txt");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(TransformerTensorsTest, HaveTimmsNamesShapesAndOrder) {
  EXPECT_EQ(Lines(ListTensors(Sizes(192, 3, false)).tensors), GoldenLines("deit_tiny_patch16_224"));
  EXPECT_EQ(Lines(ListTensors(Sizes(192, 3, true)).tensors), GoldenLines("deit_tiny_distilled_patch16_224"));
}

TEST(TransformerTensorsTest, CountThePublishedParameters) {
  EXPECT_EQ(ParameterCount(ListTensors(Sizes(192, 3, false)).tensors), 5717416);
  EXPECT_EQ(ParameterCount(ListTensors(Sizes(384, 6, false)).tensors), 22050664);
  EXPECT_EQ(ParameterCount(ListTensors(Sizes(768, 12, false)).tensors), 86567656);
  EXPECT_EQ(ParameterCount(ListTensors(Sizes(192, 3, true)).tensors), 5910800);
  EXPECT_EQ(ParameterCount(ListTensors(Sizes(384, 6, true)).tensors), 22436432);
  EXPECT_EQ(ParameterCount(ListTensors(Sizes(768, 12, true)).tensors), 87338192);
}

// deit-facts 3c: tiny 50 tensors with 5,647,872 elements decay; distilled small 52 with 22,296,960, dist_token among them.
TEST(TransformerTensorsTest, DecayInDeitsGroups) {
  const auto decayed = [](const std::vector<TensorSpec>& tensors) {
    std::pair<int, int64_t> total;
    for (const TensorSpec& tensor : tensors) {
      if (!tensor.decay) continue;
      ++total.first;
      total.second += tensor.size();
    }
    return total;
  };
  EXPECT_EQ(decayed(ListTensors(Sizes(192, 3, false)).tensors), std::make_pair(50, int64_t{5647872}));
  EXPECT_EQ(decayed(ListTensors(Sizes(384, 6, true)).tensors), std::make_pair(52, int64_t{22296960}));
}

TEST(TransformerTensorsTest, PlacesPointAtTheirTensors) {
  const TransformerTensors list = ListTensors(Sizes(192, 3, true));
  const auto name = [&list](int place) { return list.tensors[static_cast<size_t>(place)].name; };
  EXPECT_EQ(name(list.class_token), "cls_token");
  EXPECT_EQ(name(list.pos_embed), "pos_embed");
  EXPECT_EQ(name(list.dist_token), "dist_token");
  EXPECT_EQ(name(list.patch_weight), "patch_embed.proj.weight");
  EXPECT_EQ(name(list.patch_bias), "patch_embed.proj.bias");
  EXPECT_EQ(name(list.first_block), "blocks.0.norm1.weight");
  EXPECT_EQ(name(list.norm), "norm.weight");
  EXPECT_EQ(name(list.heads.at(0)), "head.weight");
  EXPECT_EQ(name(list.heads.at(1)), "head_dist.weight");
}

std::vector<float> Draw(const TensorSpec& spec, int index, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(spec.size()));
  EXPECT_TRUE(InitialiseTensor(spec, index, seed, values.data()).ok());
  return values;
}

double Mean(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Deviation(const std::vector<float>& values) {
  const double mean = Mean(values);
  double sum = 0;
  for (const float v : values) sum += (v - mean) * (v - mean);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

TEST(InitialiseTensorTest, NormalHasItsMeanAndDeviation) {
  const std::vector<float> values = Draw({.name = "w", .shape = {300, 400}, .init = Init::kNormal, .scale = 0.02}, 5, 7);
  EXPECT_NEAR(Mean(values), 0, 4 * 0.02 / std::sqrt(120000.0));
  EXPECT_NEAR(Deviation(values), 0.02, 0.0002);
  const auto within = std::count_if(values.begin(), values.end(), [](float v) { return std::abs(v) < 0.02; });
  EXPECT_NEAR(static_cast<double>(within) / 120000, 0.6827, 0.006);
}

TEST(InitialiseTensorTest, NormalHasTails) {
  const std::vector<float> values = Draw({.name = "w", .shape = {100000}, .init = Init::kNormal, .scale = 2}, 0, 0);
  EXPECT_GT(*std::max_element(values.begin(), values.end()), 7.0F);
  EXPECT_LT(*std::min_element(values.begin(), values.end()), -7.0F);
}

TEST(InitialiseTensorTest, UniformFillsItsRange) {
  const std::vector<float> values = Draw({.name = "w", .shape = {100000}, .init = Init::kUniform, .scale = 0.5}, 3, 7);
  EXPECT_NEAR(*std::max_element(values.begin(), values.end()), 0.5, 1e-3);
  EXPECT_NEAR(*std::min_element(values.begin(), values.end()), -0.5, 1e-3);
  EXPECT_NEAR(Mean(values), 0, 0.005);
  EXPECT_NEAR(Deviation(values), 0.5 / std::sqrt(3.0), 0.003);
}

TEST(InitialiseTensorTest, DependsOnSeedAndTensorOnly) {
  const TensorSpec spec{.name = "w", .shape = {8}, .init = Init::kNormal, .scale = 1};
  EXPECT_EQ(Draw(spec, 1, 2), Draw(spec, 1, 2));
  EXPECT_NE(Draw(spec, 1, 2), Draw(spec, 1, 3));
  EXPECT_NE(Draw(spec, 1, 2), Draw(spec, 2, 2));
}

TEST(InitialiseTensorTest, ConstantsAreConstant) {
  EXPECT_THAT(Draw({.name = "b", .shape = {3}, .init = Init::kZeros}, 0, 0), testing::Each(0.0F));
  EXPECT_THAT(Draw({.name = "b", .shape = {}, .init = Init::kOnes}, 0, 0), testing::ElementsAre(1.0F));
}

TEST(InitialiseTensorTest, RefusesWhatCannotBeDrawn) {
  float value = 0;
  EXPECT_FALSE(InitialiseTensor({.name = "w", .shape = {1}, .init = Init::kNormal, .scale = NAN}, 0, 0, &value).ok());
  EXPECT_FALSE(InitialiseTensor({.name = "w", .shape = {1}}, -1, 0, &value).ok());
}

}  // namespace
}  // namespace deit::models
