#include "common/checkpoint/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/checkpoint/sample_checkpoint.h"
#include "tests/support/crash_file_system.h"

namespace deit::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RetentionEntry Complete(int64_t step, std::optional<double> acc1 = std::nullopt) {
  return {.step = step, .val_acc1 = acc1, .complete = true};
}
RetentionEntry Incomplete(int64_t step) { return {.step = step, .val_acc1 = std::nullopt, .complete = false}; }

// Sets 30 and 40 hold the weights of 20: every step since was skipped.
TEST(RetentionTest, SkippedStepsDoNotPushOutTheSetBeforeThem) {
  const auto of = [](int64_t step, int64_t updates) { return RetentionEntry{step, std::nullopt, true, updates}; };
  EXPECT_THAT(PlanRetention({of(10, 10), of(20, 20), of(30, 20), of(40, 20)}, 2, Unfinished::kMayBeWritten), ElementsAre(20, 30));
  EXPECT_THAT(PlanRetention({of(10, 10), of(20, 20), of(30, 20), of(40, 20)}, 1, Unfinished::kMayBeWritten), ElementsAre(10, 20, 30));
}

TEST(RetentionTest, KeepsTheNewestAndTheBest) {
  const std::vector<RetentionEntry> sets = {Complete(10, 50), Complete(20, 70), Complete(30, 60), Complete(40), Complete(50, 65)};
  EXPECT_THAT(PlanRetention(sets, 2, Unfinished::kMayBeWritten), ElementsAre(10, 30));
  EXPECT_THAT(PlanRetention(sets, 1, Unfinished::kMayBeWritten), ElementsAre(10, 30, 40));
  EXPECT_THAT(PlanRetention(sets, 9, Unfinished::kMayBeWritten), IsEmpty());
}

TEST(RetentionTest, OfEquallyGoodSetsTheNewestIsTheBest) {
  EXPECT_THAT(PlanRetention({Complete(10, 70), Complete(20, 70), Complete(30, 1)}, 1, Unfinished::kMayBeWritten), ElementsAre(10));
}

TEST(RetentionTest, NeverDeletesTheLastCompleteSet) {
  EXPECT_THAT(PlanRetention({Complete(10)}, 0, Unfinished::kAbandoned), IsEmpty());
  EXPECT_THAT(PlanRetention({Complete(10)}, -5, Unfinished::kAbandoned), IsEmpty());
  EXPECT_THAT(PlanRetention({Incomplete(10), Incomplete(20)}, 1, Unfinished::kAbandoned), IsEmpty());
  EXPECT_THAT(PlanRetention({}, 1, Unfinished::kAbandoned), IsEmpty());
}

TEST(RetentionTest, AnIncompleteSetThatMayBeInTheMakingStays) {
  const std::vector<RetentionEntry> sets = {Incomplete(5), Complete(10), Incomplete(15), Complete(20), Incomplete(30)};
  EXPECT_THAT(PlanRetention(sets, 2, Unfinished::kMayBeWritten), ElementsAre(5, 15));
  EXPECT_THAT(PlanRetention(sets, 2, Unfinished::kAbandoned), ElementsAre(5, 15, 30));
}

TEST(RetentionTest, PrunesAFolderAndLeavesDamagedSetsAlone) {
  testing::CrashDisk disk;
  testing::CrashFileSystem fs(&disk);
  for (int64_t step : {10, 20, 30, 40}) ASSERT_TRUE(SaveSample(fs, 2, step, "n", step == 10 ? 90 : 10).ok());
  ASSERT_TRUE(disk.Overwrite("/run/checkpoints/step_00000020/manifest.json", [](std::string* text) { text->pop_back(); }).ok());
  auto deleted = PruneCheckpoints(fs, "/run/checkpoints", 1, Unfinished::kMayBeWritten);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_THAT(*deleted, ElementsAre(30));
  EXPECT_THAT(*fs.List("/run/checkpoints"), ElementsAre("step_00000010", "step_00000020", "step_00000040"));
}

}  // namespace
}  // namespace deit::checkpoint
