#include "worker/train/stop_while_loading.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/time/clock.h"
#include "common/base/clock.h"

namespace deit::train {
namespace {

// Until `left` is true, at most 20 s.
bool Await(const std::atomic<bool>& left) {
  const absl::Duration end = Clock::System().Elapsed() + absl::Seconds(20);
  while (!left && Clock::System().Elapsed() < end) absl::SleepFor(absl::Milliseconds(2));
  return left;
}

TEST(StopWhileLoadingTest, LeavesOnceAStopHasLasted) {
  std::atomic<bool> stop = false, left = false;
  const absl::Duration patience = absl::Milliseconds(100);
  const StopWhileLoading watchdog([&] { return stop.load(); }, patience, [&] { left = true; });
  const absl::Duration asked = Clock::System().Elapsed();
  stop = true;
  EXPECT_TRUE(Await(left));
  EXPECT_GE(Clock::System().Elapsed() - asked, patience);
}

TEST(StopWhileLoadingTest, LeavesAStopToACallerThatComesToIt) {
  std::atomic<bool> asked = false, left = false;
  {
    const StopWhileLoading watchdog([&] { return asked = true; }, absl::Hours(1), [&] { left = true; });
    EXPECT_TRUE(Await(asked));
  }
  EXPECT_FALSE(left);
}

}  // namespace
}  // namespace deit::train
