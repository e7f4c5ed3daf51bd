#include "worker/exchange/tree_sum.h"

#include <gtest/gtest.h>

#include "tests/worker/exchange/lane_sums.h"

namespace deit::exchange {
namespace {

std::vector<const float*> Pointers(const std::vector<std::vector<float>>& ranges) {
  std::vector<const float*> pointers;
  for (const auto& range : ranges) pointers.push_back(range.data());
  return pointers;
}

TEST(TreeSumTest, AddsSubtreesInAnyOrderToTheRoot) {
  constexpr int64_t kCount = 9001;  // more than two chunks
  const auto lanes = LaneGradients(8, kCount);
  const std::vector<plan::Subtree> inputs = {{0, 5}, {0, 0}, {0, 7}, {0, 2}, {0, 1}, {0, 6}, {0, 3}, {0, 4}};
  std::vector<const float*> ranges;
  for (const plan::Subtree& input : inputs) ranges.push_back(lanes[static_cast<size_t>(input.index)].data());
  std::vector<float> root(kCount);
  float* const out = root.data();
  RunTreeProgram(plan::CombineSubtrees(inputs, 8), ranges, {&out, 1}, kCount);
  EXPECT_EQ(root, TreeSums(lanes));
}

TEST(TreeSumTest, TheRootMayTakeAnInputsPlace) {
  auto lanes = LaneGradients(4, 5000);
  const std::vector<float> expected = TreeSums(lanes);
  const auto program = plan::CombineSubtrees({{0, 0}, {0, 1}, {0, 2}, {0, 3}}, 4);
  for (size_t place = 0; place < 4; ++place) {
    auto ranges = lanes;
    float* const out = ranges[place].data();
    RunTreeProgram(program, Pointers(ranges), {&out, 1}, 5000);
    EXPECT_EQ(ranges[place], expected) << place;
  }
}

// Lanes 0, 1 and 3 of 4, and 6, 7 of 8: two sums, and one input that stays what it is.
TEST(TreeSumTest, AnOutputThatIsAnInputIsNotTouched) {
  const auto lanes = LaneGradients(8, 300);
  const auto program = plan::CombineSubtrees({{0, 0}, {0, 1}, {0, 3}, {0, 6}, {0, 7}}, 8);
  ASSERT_EQ(program.outputs.size(), 3u);
  const std::vector<const float*> inputs = {lanes[0].data(), lanes[1].data(), lanes[3].data(), lanes[6].data(), lanes[7].data()};
  std::vector<std::vector<float>> results(3, std::vector<float>(300, -1));
  std::vector<float*> outputs;
  for (auto& result : results) outputs.push_back(result.data());
  RunTreeProgram(program, inputs, outputs, 300);
  EXPECT_EQ(results[0], TreeSums({lanes[0], lanes[1]}));
  EXPECT_EQ(results[1], std::vector<float>(300, -1));
  EXPECT_EQ(results[2], TreeSums({lanes[6], lanes[7]}));
}

}  // namespace
}  // namespace deit::exchange
