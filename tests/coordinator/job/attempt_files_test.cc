#include "coordinator/job/attempt_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/json/json_file.h"
#include "common/run/summary.h"
#include "coordinator/job/finished_job.h"
#include "tests/coordinator/job/fake_job.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

using ::testing::ElementsAre;

class AttemptFilesTest : public ::testing::Test {
 protected:
  AttemptFilesTest() : folder_(temp_ / "run") {
    EXPECT_TRUE(run::MakeRunFolder(Fs(), folder_).ok());
    std::filesystem::create_directories(folder_.Worker(1, 0));
  }
  static files::FileSystem& Fs() { return files::FileSystem::Posix(); }
  static void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  static ReportFailure Failure(std::optional<int> worker) {
    ReportFailure failure{.launch = 1, .cause = {}, .workers = "worker 0: step 3, phase data", .next = "the next attempt follows at once"};
    failure.cause.text = "worker 0: exit 70";
    failure.cause.worker = worker;
    failure.cause.hint = "a hint";
    return failure;
  }

  testing::TempFolder temp_;
  run::RunFolder folder_;
};

TEST_F(AttemptFilesTest, TheReportHasTheFailedWorkersLastLines) {
  Write(folder_.Stderr(1, 0), "one\ntwo");
  Write(folder_.LauncherStderr(1), "banner\n");
  const FailureReport report = MakeReport(Fs(), folder_, Failure(0));
  EXPECT_EQ(report.title, "attempt 1: worker 0: exit 70");
  EXPECT_EQ(report.log, folder_.Stderr(1, 0));
  EXPECT_THAT(report.last_lines, ElementsAre("one", "two"));
  EXPECT_EQ(report.hint, "a hint");
}

TEST_F(AttemptFilesTest, AWorkerWithoutALogHasTheLaunchersLines) {
  Write(folder_.LauncherStderr(1), "banner\n");
  for (const std::optional<int> worker : {std::optional<int>(0), std::optional<int>()}) {
    const FailureReport report = MakeReport(Fs(), folder_, Failure(worker));
    EXPECT_EQ(report.log, folder_.LauncherStderr(1));
    EXPECT_THAT(report.last_lines, ElementsAre("banner"));
  }
}

TEST_F(AttemptFilesTest, StepsAreCountedFromWholeLinesOfTheMetrics) {
  EXPECT_EQ(CountSteps(Fs(), folder_).reached, 0);
  Write(folder_.Metrics(), "{\"step\":0}\n{\"step\":1}\n{\"st");
  const StepCounts steps = CountSteps(Fs(), folder_);
  EXPECT_EQ(steps.reached, 2);
  EXPECT_EQ(steps.saved, 0) << "no checkpoint";
}

TEST_F(AttemptFilesTest, TheOutcomeHasWhatEachLeftBehind) {
  Write(folder_.LauncherStderr(1), "worker 1 died\n");
  v1::WorkerError error;
  error.set_attempt(1);
  error.set_exit_code(76);
  ASSERT_TRUE(json::WriteJsonFile(Fs(), folder_.Error(1, 0), error).ok());
  const AttemptOutcome outcome = ReadOutcome(Fs(), folder_, 1, 2, FakeLauncher());
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->rank, 1);
  EXPECT_EQ(outcome.errors.at(0).exit_code(), 76);
  EXPECT_FALSE(outcome.result);
  EXPECT_TRUE(outcome.room_for_checkpoint);
}

TEST_F(AttemptFilesTest, AJobIsFinishedOnlyWithItsLastCheckpoint) {
  v1::Summary summary;
  summary.set_state(v1::JobState::SUCCEEDED);
  summary.set_spec_digest("d");
  summary.set_steps(0);
  ASSERT_TRUE(run::WriteSummary(Fs(), folder_.Summary(), summary).ok());
  EXPECT_TRUE(IsFinished(Fs(), folder_, "d", 0));
  EXPECT_FALSE(IsFinished(Fs(), folder_, "e", 0)) << "another job";
  EXPECT_FALSE(IsFinished(Fs(), folder_, "d", 1)) << "more steps are wanted";
  summary.set_steps(1);
  ASSERT_TRUE(run::WriteSummary(Fs(), folder_.Summary(), summary).ok());
  EXPECT_FALSE(IsFinished(Fs(), folder_, "d", 1)) << "its checkpoint is gone";
  summary.set_steps(0);
  summary.set_state(v1::JobState::FAILED);
  ASSERT_TRUE(run::WriteSummary(Fs(), folder_.Summary(), summary).ok());
  EXPECT_FALSE(IsFinished(Fs(), folder_, "d", 0));
}

}  // namespace
}  // namespace deit::job
