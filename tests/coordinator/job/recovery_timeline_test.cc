#include "coordinator/job/recovery_timeline.h"

#include <gtest/gtest.h>

namespace deit::job {
namespace {

absl::Duration At(double seconds) { return absl::Seconds(seconds); }

TEST(RecoveryTimelineTest, IsCompleteWithTheFirstStep) {
  RecoveryTimeline timeline{.failed = At(100), .noticed = At(100.25), .stopped = At(100.5)};
  EXPECT_FALSE(timeline.complete());
  timeline.spoken = At(101);
  timeline.loaded = At(101.5);
  EXPECT_FALSE(timeline.complete());
  timeline.first_done = At(103.5);
  EXPECT_TRUE(timeline.complete());
  const auto recovery = RecoveryOf(timeline);
  EXPECT_EQ(recovery.detect_seconds(), 0.25);
  EXPECT_EQ(recovery.stop_seconds(), 0.25);
  EXPECT_EQ(recovery.start_seconds(), 0.5);
  EXPECT_EQ(recovery.load_seconds(), 0.5);
  EXPECT_EQ(recovery.first_step_seconds(), 2);
  EXPECT_EQ(Describe(recovery), "back after 3.50 s: noticed 0.25, stopped 0.25, started 0.50, loaded 0.50, first step 2.00");
}

TEST(RecoveryTimelineTest, ClocksThatDisagreeMakeNothingNegative) {
  const auto recovery =
      RecoveryOf({.failed = At(100), .noticed = At(99), .stopped = At(99), .spoken = At(101), .loaded = At(100.5), .first_done = At(102)});
  EXPECT_EQ(recovery.detect_seconds(), 0);
  EXPECT_EQ(recovery.load_seconds(), 0);
}

}  // namespace
}  // namespace deit::job
