#include "worker/train/lane_accumulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace deit::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kLanes = 8;
constexpr int64_t kStatistics = 6;

// Model tensors: parameter a, a buffer, parameters b and c. Buckets of at least 50 elements, from the last tensor on: {c, b}, {a}.
const plan::Grid& SampleGrid() {
  static const plan::Grid grid({{"a", {5}}, {"b", {7, 10}}, {"c", {3}}}, 50);
  return grid;
}
const std::vector<int> kParameterOf = {0, -1, 1, 2};
const int kA = 0, kB = 2, kC = 3;

struct LaneData {
  std::vector<float> a, b, c, statistics;
};

std::vector<LaneData> DrawLanes() {
  std::minstd_rand random(3);
  const auto draw = [&random](size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = (static_cast<float>(random() % 20001) - 10000) * (random() % 3 == 0 ? 1e-3f : 1.7f);
    return values;
  };
  std::vector<LaneData> lanes;
  for (int lane = 0; lane < kLanes; ++lane) lanes.push_back({draw(5), draw(70), draw(3), draw(kStatistics)});
  return lanes;
}

struct Slots {
  explicit Slots(int count)
      : memory(static_cast<size_t>(count), std::vector<float>(static_cast<size_t>(SampleGrid().elements() + kStatistics), -77)) {}
  std::vector<float*> pointers() {
    std::vector<float*> all;
    for (auto& slot : memory) all.push_back(slot.data());
    return all;
  }
  std::vector<std::vector<float>> memory;
};

Status Accumulate(LaneAccumulator& accumulator, const plan::LaneStep& step, const LaneData& lane) {
  accumulator.BeginLane(step, nullptr);
  accumulator.Accept(kC, lane.c.data());
  accumulator.Accept(kB, lane.b.data());
  accumulator.Accept(kA, lane.a.data());
  std::copy(lane.statistics.begin(), lane.statistics.end(), accumulator.statistics_scratch().begin());
  accumulator.CommitStatistics();
  return accumulator.EndLane();
}

// The sum of what `part` picks of the lanes of a subtree, element by element along the tree.
std::vector<float> SumAlongTree(const std::vector<LaneData>& lanes, plan::LaneRun run, std::vector<float> LaneData::*part) {
  std::vector<float> sums;
  for (size_t i = 0; i < (lanes[0].*part).size(); ++i) {
    std::vector<float> column;
    for (int lane = run.begin; lane < run.end; ++lane) column.push_back((lanes[static_cast<size_t>(lane)].*part)[i]);
    sums.push_back(plan::ReferenceTreeSum(std::span<const float>(column)));
  }
  return sums;
}

std::vector<float> At(const std::vector<float>& slot, int64_t offset, size_t count) {
  return {slot.begin() + offset, slot.begin() + offset + static_cast<int64_t>(count)};
}

TEST(LaneAccumulatorTest, SumsAreTheTreesForEveryRunOfLanes) {
  const std::vector<LaneData> lanes = DrawLanes();
  const auto& places = SampleGrid().tensors();
  for (int begin = 0; begin < kLanes; ++begin) {
    for (int end = begin + 1; end <= kLanes; ++end) {
      const plan::AccumulationPlan plan = plan::PlanAccumulation({begin, end}, kLanes);
      Slots slots(plan.slots);
      LaneAccumulator accumulator(SampleGrid(), kParameterOf, slots.pointers(), kStatistics);
      for (int repeat = 0; repeat < 2; ++repeat) {  // a second step finds the first one's sums in its slots
        for (size_t k = 0; k < plan.lanes.size(); ++k) {
          ASSERT_TRUE(Accumulate(accumulator, plan.lanes[k], lanes[static_cast<size_t>(begin) + k]).ok());
        }
        for (const auto& sum : plan.sums) {
          const std::vector<float>& slot = slots.memory[static_cast<size_t>(sum.slot)];
          const plan::LaneRun run = sum.subtree.lanes();
          EXPECT_EQ(At(slot, places[0].offset, 5), SumAlongTree(lanes, run, &LaneData::a));
          EXPECT_EQ(At(slot, places[1].offset, 70), SumAlongTree(lanes, run, &LaneData::b));
          EXPECT_EQ(At(slot, places[2].offset, 3), SumAlongTree(lanes, run, &LaneData::c));
          EXPECT_EQ(At(slot, SampleGrid().elements(), kStatistics), SumAlongTree(lanes, run, &LaneData::statistics));
        }
      }
      EXPECT_EQ(slots.memory[0][5], -77) << "padding is not touched";
    }
  }
}

TEST(LaneAccumulatorTest, APlanWithAnotherOrderGivesOtherBits) {
  const std::vector<LaneData> lanes = DrawLanes();
  plan::AccumulationPlan plan = plan::PlanAccumulation({0, 4}, kLanes);
  plan.lanes[2] = plan.lanes[3] = {0, true, {}};  // ((0 + 1) + 2) + 3 instead of (0 + 1) + (2 + 3)
  Slots slots(plan.slots);
  LaneAccumulator accumulator(SampleGrid(), kParameterOf, slots.pointers(), kStatistics);
  for (size_t k = 0; k < 4; ++k) ASSERT_TRUE(Accumulate(accumulator, plan.lanes[k], lanes[k]).ok());
  EXPECT_NE(At(slots.memory[0], SampleGrid().tensors()[1].offset, 70), SumAlongTree(lanes, {0, 4}, &LaneData::b));
}

TEST(LaneAccumulatorTest, BFloat16GradientsAreSummedInFloat) {
  const std::vector<LaneData> lanes = DrawLanes();
  const plan::AccumulationPlan plan = plan::PlanAccumulation({0, 2}, kLanes);
  Slots slots(plan.slots);
  LaneAccumulator accumulator(SampleGrid(), kParameterOf, slots.pointers(), 0);
  std::vector<LaneData> wide = lanes;
  for (size_t k = 0; k < 2; ++k) {
    std::vector<update::BFloat16Bits> narrow(70);
    update::CastToBFloat16(lanes[k].b.data(), narrow.data(), 70);
    update::CastToFloat(narrow.data(), wide[k].b.data(), 70);
    accumulator.BeginLane(plan.lanes[k], nullptr);
    accumulator.Accept(kC, lanes[k].c.data());
    accumulator.Accept(kB, narrow.data());
    accumulator.Accept(kA, lanes[k].a.data());
    ASSERT_TRUE(accumulator.EndLane().ok());
  }
  EXPECT_EQ(At(slots.memory[0], SampleGrid().tensors()[1].offset, 70), SumAlongTree(wide, {0, 2}, &LaneData::b));
}

class ReadyTest : public ::testing::Test {
 protected:
  void Begin() {
    accumulator_.BeginLane(plan_.lanes[0], [this](int ready) {
      ready_.push_back(ready);
      return answer_;
    });
  }
  void Accept(int tensor) { accumulator_.Accept(tensor, gradient_.data()); }

  const plan::AccumulationPlan plan_ = plan::PlanAccumulation({0, 1}, kLanes);
  const std::vector<float> gradient_ = std::vector<float>(70, 1);
  Slots slots_{1};
  LaneAccumulator accumulator_{SampleGrid(), kParameterOf, slots_.pointers(), 0};
  std::vector<int> ready_;
  Status answer_;
};

TEST_F(ReadyTest, BucketsAreReportedWhenTheirLastTensorArrives) {
  Begin();
  Accept(kC);
  EXPECT_THAT(ready_, ElementsAre());
  Accept(kB);
  EXPECT_THAT(ready_, ElementsAre(1));
  Accept(kA);
  EXPECT_THAT(ready_, ElementsAre(1, 2));
  EXPECT_TRUE(accumulator_.EndLane().ok());
}

TEST_F(ReadyTest, ABucketThatIsEarlyWaitsForThoseBeforeIt) {
  Begin();
  Accept(kA);
  Accept(kB);
  EXPECT_THAT(ready_, ElementsAre());
  Accept(kC);
  EXPECT_THAT(ready_, ElementsAre(2));
}

TEST_F(ReadyTest, AFailureEndsTheLaneAndIsNotAskedAgain) {
  answer_ = absl::UnavailableError("worker 1 has left");
  Begin();
  for (int tensor : {kC, kB, kA}) Accept(tensor);
  EXPECT_THAT(ready_, ElementsAre(1));
  EXPECT_EQ(accumulator_.EndLane(), answer_);
}

TEST_F(ReadyTest, AMissingGradientIsNamed) {
  Begin();
  Accept(kC);
  Accept(kA);
  const Status status = accumulator_.EndLane();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("b: no gradient"));
  Begin();
  for (int tensor : {kC, kB, kA}) Accept(tensor);
  EXPECT_TRUE(accumulator_.EndLane().ok()) << "each lane counts from 0";
}

using ReadyDeathTest = ReadyTest;
TEST_F(ReadyDeathTest, ASecondGradientOfATensorIsABug) {
  Begin();
  Accept(kB);
  EXPECT_DEATH(Accept(kB), "b: second gradient in one lane");
}

}  // namespace
}  // namespace deit::train
