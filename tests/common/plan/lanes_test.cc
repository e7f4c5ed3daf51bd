#include "common/plan/lanes.h"

#include <gtest/gtest.h>

#include <vector>

namespace deit::plan {
namespace {

TEST(LanesTest, GivesTheFirstWorkersOneLaneMore) {
  EXPECT_EQ(LanesOfWorker(0, 3, 8), (LaneRun{0, 3}));
  EXPECT_EQ(LanesOfWorker(1, 3, 8), (LaneRun{3, 6}));
  EXPECT_EQ(LanesOfWorker(2, 3, 8), (LaneRun{6, 8}));
  EXPECT_EQ(LanesOfWorker(0, 1, 1), (LaneRun{0, 1}));
}

TEST(LanesTest, CoverEachLaneOnceInOrderForEveryWorld) {
  for (int lanes : {1, 2, 4, 8, 16, 64}) {
    for (int workers = 1; workers <= lanes; ++workers) {
      int next = 0;
      for (int worker = 0; worker < workers; ++worker) {
        const LaneRun run = LanesOfWorker(worker, workers, lanes);
        ASSERT_EQ(run.begin, next);
        ASSERT_EQ(run.size(), lanes / workers + (worker < lanes % workers ? 1 : 0));
        for (int lane = run.begin; lane < run.end; ++lane) ASSERT_EQ(WorkerOfLane(lane, workers, lanes), worker);
        next = run.end;
      }
      ASSERT_EQ(next, lanes);
    }
  }
}

TEST(LanesTest, NumberPositionsAlongTheBatch) {
  std::vector<uint64_t> positions;
  for (uint64_t step : {0U, 1U}) {
    for (int lane = 0; lane < 4; ++lane) {
      for (uint64_t slot = 0; slot < 3; ++slot) positions.push_back(PositionOf(step, lane, slot, 12, 4));
    }
  }
  for (uint64_t i = 0; i < positions.size(); ++i) EXPECT_EQ(positions[i], i);
  EXPECT_EQ(PositionOf(uint64_t{1} << 40, 7, 127, 1024, 8), (uint64_t{1} << 50) + 1023);
}

TEST(LanesDeathTest, RefusesMoreWorkersThanLanes) { EXPECT_DEATH(LanesOfWorker(0, 9, 8), "workers=9 lanes=8"); }

}  // namespace
}  // namespace deit::plan
