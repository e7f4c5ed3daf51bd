#include "worker/train/stop_plan.h"

#include <gtest/gtest.h>

namespace deit::train {
namespace {

using absl::Seconds;

// A step of 10 s that began at 100 s, a save of 3 s, a stop at 105 s with 20 s of grace.
StopTimes Usual() {
  return {.asked = Seconds(105),
          .grace = Seconds(20),
          .now = Seconds(105),
          .step_began = Seconds(100),
          .step_takes = Seconds(10),
          .save_takes = Seconds(3)};
}

TEST(StopPlanTest, AStepThatFitsWithItsSaveIsFinished) {
  StopTimes times = Usual();
  EXPECT_TRUE(StepFits(times));
  times.step_takes = Seconds(22);  // its end 122 and its save until 125
  EXPECT_TRUE(StepFits(times));
  times.step_takes = Seconds(22.5);
  EXPECT_FALSE(StepFits(times));
}

TEST(StopPlanTest, AStepThatTakesLongerThanTheLastIsGivenUpWhenTheTimeForItsSaveComes) {
  StopTimes times = Usual();
  times.now = Seconds(122);
  EXPECT_TRUE(StepFits(times));
  times.now = Seconds(122.1);
  EXPECT_FALSE(StepFits(times));
}

TEST(StopPlanTest, AStepOfUnknownLengthDoesNotFit) {
  StopTimes times = Usual();
  times.step_takes = absl::InfiniteDuration();
  EXPECT_FALSE(StepFits(times));
}

TEST(StopPlanTest, AnUnknownSaveGetsAQuarterOfTheGrace) {
  StopTimes times = Usual();
  times.save_takes.reset();
  times.step_takes = Seconds(20);
  EXPECT_TRUE(StepFits(times));
  times.step_takes = Seconds(20.1);
  EXPECT_FALSE(StepFits(times));
}

TEST(StopPlanTest, WithoutGraceNothingFits) {
  StopTimes times = Usual();
  times.grace = absl::ZeroDuration();
  EXPECT_FALSE(StepFits(times));
}

}  // namespace
}  // namespace deit::train
