#include "common/run/saved_step.h"

#include <gtest/gtest.h>

#include "common/run/events.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::run {
namespace {

class SavedStepTest : public ::testing::Test {
 protected:
  void Record(v1::Event::Reason reason, int64_t step) {
    auto log = EventLog::Open(path_, Clock::System());
    ASSERT_TRUE(log.ok() && log->Record(reason, "a sentence", {.attempt = 1, .step = step, .worker = {}}).ok());
  }
  std::optional<int64_t> Saved() { return LastSavedStep(files::FileSystem::Posix(), path_); }

  testing::TempFolder folder_;
  const std::string path_ = folder_ / "events.jsonl";
};

TEST_F(SavedStepTest, TheLastSetCounts) {
  EXPECT_EQ(Saved(), std::nullopt);
  Record(v1::Event::JobStarted, 0);
  Record(v1::Event::CheckpointFailed, 2);
  EXPECT_EQ(Saved(), std::nullopt);
  Record(v1::Event::CheckpointCommitted, 4);
  Record(v1::Event::CheckpointCommitted, 8);
  EXPECT_EQ(Saved(), 8);
  Record(v1::Event::JobResumed, 4);
  EXPECT_EQ(Saved(), 8);
}

TEST_F(SavedStepTest, AFreshStartHasNoneOfThoseBefore) {
  Record(v1::Event::CheckpointCommitted, 4);
  Record(v1::Event::JobStarted, 0);
  EXPECT_EQ(Saved(), std::nullopt);
}

TEST_F(SavedStepTest, LinesThatAreNoEventsAreSkipped) {
  Record(v1::Event::CheckpointCommitted, 4);
  testing::WriteFile(path_, "{\nnonsense\n" + testing::ReadFile(path_) + "[]\n{\"reason\": \"New\"}\n");
  EXPECT_EQ(Saved(), 4);
}

}  // namespace
}  // namespace deit::run
