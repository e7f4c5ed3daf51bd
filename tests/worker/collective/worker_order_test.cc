#include "worker/collective/worker_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::collective {
namespace {

using ::testing::ElementsAre;

TEST(RankOfWorkersTest, KeepsRanksThatFollowOneAnotherOnEachHost) {
  EXPECT_THAT(RankOfWorkers({"b", "b", "a", "a"}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(RankOfWorkers({"a"}), ElementsAre(0));
}

TEST(RankOfWorkersTest, GathersTheRanksOfEachHost) {
  EXPECT_THAT(RankOfWorkers({"a", "b", "a", "b", "a"}), ElementsAre(0, 2, 4, 1, 3));
  EXPECT_THAT(RankOfWorkers({"c", "b", "a", "b", "c", "a"}), ElementsAre(0, 4, 1, 3, 2, 5));
}

}  // namespace
}  // namespace deit::collective
