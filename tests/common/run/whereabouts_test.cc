#include "common/run/whereabouts.h"

#include <gtest/gtest.h>

namespace deit::run {
namespace {

TEST(WhereaboutsTest, BeginsBeforeAnyTraining) {
  const v1::Heartbeat heartbeat = Whereabouts().Heartbeat();
  EXPECT_EQ(heartbeat.phase(), "start");
  EXPECT_EQ(heartbeat.step(), 0);
  EXPECT_EQ(heartbeat.first_step(), -1);
  EXPECT_FALSE(heartbeat.has_loaded());
  EXPECT_FALSE(heartbeat.has_first_done());
}

TEST(WhereaboutsTest, TellsStepPhaseAndTheMomentsOfAStart) {
  Whereabouts whereabouts;
  whereabouts.Loaded(40, absl::FromUnixSeconds(100));
  EXPECT_EQ(whereabouts.Heartbeat().step(), 40) << "a resumed attempt has done what its checkpoint holds";
  whereabouts.Report(40, "compute");
  whereabouts.StepDone(41, 0.25, absl::FromUnixSeconds(101));
  whereabouts.StepDone(42, 0.5, absl::FromUnixSeconds(102));
  const v1::Heartbeat heartbeat = whereabouts.Heartbeat();
  EXPECT_EQ(heartbeat.step(), 42);
  EXPECT_EQ(heartbeat.phase(), "compute");
  EXPECT_EQ(heartbeat.first_step(), 40);
  EXPECT_EQ(heartbeat.loaded(), 100);
  EXPECT_EQ(heartbeat.first_done(), 101);
  EXPECT_EQ(heartbeat.step_seconds(), 0.5);
}

}  // namespace
}  // namespace deit::run
