#include "coordinator/job/attempt_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "common/files/operations.h"
#include "common/json/json_file.h"
#include "common/spec/load.h"
#include "tests/coordinator/job/fake_job.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AttemptLogTest : public ::testing::Test {
 protected:
  AttemptLogTest() {
    ::setenv("DEIT_STATE_DIR", (temp_ / "state").c_str(), 1);
    const auto spec = spec::LoadSpec("", {"name=small", "model.name=vit_tiny_patch16_224", "run_dir=" + (temp_ / "run")});
    store_ = *JobStore::Take(*spec, "00112233aabbccdd", {.take_over = true, .workers = 2});
    EXPECT_EQ(*store_->BeginAttempt(), 1);
    for (int worker = 0; worker < 2; ++worker) EXPECT_TRUE(run::MakeWorkerFolder(Fs(), store_->folder(), 1, worker).ok());
  }
  ~AttemptLogTest() override { ::unsetenv("DEIT_STATE_DIR"); }

  static files::FileSystem& Fs() { return files::FileSystem::Posix(); }
  AttemptLog Open(bool fresh = true) { return AttemptLog(Fs(), *store_, observer_, 1, 2, fresh); }
  static void Append(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }
  template <typename Message>
  void Write(const std::string& path, Message message) {
    message.set_attempt(1);
    ASSERT_TRUE(json::WriteJsonFile(Fs(), path, message).ok());
  }

  testing::TempFolder temp_;
  std::unique_ptr<JobStore> store_;
  FakeObserver observer_;
};

TEST_F(AttemptLogTest, WorkersOwnMessagesAreShownWhateverTheyBeginWith) {
  AttemptLog log = Open();
  Append(store_->folder().Stderr(1, 0), "deit-worker[0]: warning: x\nhint: y\n");
  Append(store_->folder().Stderr(1, 1), "job.textproto:3:9: error: z\nhal");
  Append(store_->folder().LauncherStderr(1), "------\ndeit-worker[0]: warning: x\nmpirun noticed that ...\n");
  log.Follow();
  EXPECT_THAT(observer_.messages, ElementsAre("deit-worker[0]: warning: x", "hint: y", "job.textproto:3:9: error: z"));
  Append(store_->folder().Stderr(1, 1), "f\n");
  log.Follow();
  EXPECT_EQ(observer_.messages.back(), "half");
}

TEST_F(AttemptLogTest, OutputIsShownAsItIsWithoutAProgressLine) {
  AttemptLog log = Open();
  Append(store_->folder().LauncherStdout(1), "epoch 1 ...\nfinished step=4\n");
  log.Follow();
  EXPECT_THAT(observer_.output, ElementsAre("epoch 1 ...", "finished step=4"));
  Write(store_->folder().Result(1), v1::AttemptResult());
  log.Finish();
  EXPECT_THAT(observer_.results, IsEmpty());
}

TEST_F(AttemptLogTest, AProgressLineComesFromItsFileAndTheResultFromIts) {
  observer_.shows_progress = true;
  AttemptLog log = Open();
  Append(store_->folder().LauncherStdout(1), "epoch 1 ...\nfinished step=4\n");
  v1::Progress progress;
  progress.set_time(5);
  Write(store_->folder().Progress(), progress);
  log.Follow();
  log.Follow();
  EXPECT_THAT(observer_.output, IsEmpty());
  EXPECT_EQ(observer_.progress.size(), 1U) << "each once";
  Write(store_->folder().Result(1), v1::AttemptResult());
  log.Finish();
  EXPECT_EQ(observer_.results.size(), 1U);
}

TEST_F(AttemptLogTest, TheStartIsReturnedOnce) {
  AttemptLog log = Open();
  EXPECT_FALSE(log.Follow());
  Write(store_->folder().Start(1), v1::AttemptStart());
  EXPECT_TRUE(log.Follow());
  EXPECT_FALSE(log.Follow());
}

TEST_F(AttemptLogTest, AnotherControllersLinesAreNotShownAgainNorItsEventsCopiedTwice) {
  auto written = run::EventLog::Open(store_->folder().AttemptEvents(1), Clock::System());
  ASSERT_TRUE(written.ok() && written->Record(v1::Event::CheckpointCommitted, "step 5 saved").ok());
  Append(store_->folder().Stderr(1, 0), "old\n");
  Open().Follow();
  observer_.messages.clear();
  AttemptLog log = Open(false);
  Append(store_->folder().Stderr(1, 0), "new\n");
  log.Follow();
  EXPECT_THAT(observer_.messages, ElementsAre("new"));
  const std::string events = testing::ReadFile(store_->folder().Events());
  EXPECT_EQ(events.find("step 5 saved"), events.rfind("step 5 saved"));
  EXPECT_THAT(events, HasSubstr("step 5 saved"));
}

}  // namespace
}  // namespace deit::job
