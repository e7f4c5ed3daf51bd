#include "coordinator/supervise/worker_count.h"

#include <gtest/gtest.h>

namespace deit::supervise {
namespace {

int Workers(const char* np, int lanes = 8, int threads = 1, int cores = 2) {
  const auto count = CountWorkers(np, lanes, threads, cores);
  EXPECT_TRUE(count.ok()) << count.status();
  return count.ok() ? count->workers : 0;
}

TEST(WorkerCountTest, ANumberIsExact) {
  EXPECT_EQ(Workers("3"), 3);
  EXPECT_EQ(Workers("8", 8, 4, 1), 8) << "whatever the machine has";
}

TEST(WorkerCountTest, ARangeTakesWhatHasCoresAndLanes) {
  EXPECT_EQ(Workers("1:8", 8, 1, 4), 4);
  EXPECT_EQ(Workers("1:8", 8, 2, 4), 2);
  EXPECT_EQ(Workers("1:3", 8, 1, 4), 3);
  EXPECT_EQ(Workers("3:8", 8, 1, 2), 3) << "at least MIN";
  EXPECT_EQ(Workers("1:64", 8, 1, 64), 8) << "one lane each";
  EXPECT_EQ(Workers("", 8, 1, 4), 4);
}

TEST(WorkerCountTest, MistakesAreRefused) {
  for (const char* np : {"0", "-1", "x", "2x", "2:1", "0:2", ":", "1:", ":2", "1:2:3", "99999999999"}) {
    EXPECT_EQ(CountWorkers(np, 8, 1, 2).status().code(), absl::StatusCode::kInvalidArgument) << np;
  }
  EXPECT_EQ(CountWorkers("9", 8, 1, 2).status().message(), "--np: 9: more workers than the job has lanes (train.lanes=8)");
}

}  // namespace
}  // namespace deit::supervise
