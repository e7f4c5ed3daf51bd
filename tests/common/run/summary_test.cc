#include "common/run/summary.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/base/exit_code.h"
#include "common/run/error_report.h"
#include "tests/support/temp_folder.h"

namespace deit::run {
namespace {

void Launch(int attempt, v1::Summary* summary) {
  BeginAttempt({.job = "7f3a81bc",
                .name = "tiny",
                .spec_digest = "00112233aabbccdd",
                .attempt = attempt,
                .workers = 2,
                .time = absl::FromUnixSeconds(100)},
               summary);
}

v1::AttemptStart Training(int attempt, int64_t first_step, int64_t reached_step) {
  v1::AttemptStart start;
  start.set_time(101);
  start.set_attempt(attempt);
  start.set_workers(2);
  start.set_first_step(first_step);
  start.set_reached_step(reached_step);
  return start;
}

// Launched, and training.
void Start(int attempt, int64_t first_step, int64_t reached_step, v1::Summary* summary) {
  Launch(attempt, summary);
  ApplyStart(Training(attempt, first_step, reached_step), summary);
}

v1::AttemptResult Result(int attempt, int64_t first_step, int64_t steps, const Status& outcome) {
  v1::AttemptResult result;
  result.set_attempt(attempt);
  result.set_first_step(first_step);
  result.set_steps_executed(steps);
  result.set_teacher_forwards(8 * steps);
  result.set_views_replaced(first_step + steps);  // since the job began
  result.set_weights_digest("w");
  for (int worker = 0; worker < 2; ++worker) result.add_workers()->set_lanes_computed(4 * steps);
  SetOutcome(outcome, absl::FromUnixSeconds(200), &result);
  return result;
}

const Status kStopped = WithExitCode(absl::CancelledError("stopped"), ExitCode::kStoppedAndSaved);

TEST(SummaryTest, AnUnbrokenRunHasOneAttempt) {
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  EXPECT_EQ(summary.state(), v1::JobState::RUNNING);
  v1::AttemptResult result = Result(1, 0, 12, absl::OkStatus());
  result.set_val_acc1(61.25);
  ApplyResult(result, &summary);
  EXPECT_EQ(summary.state(), v1::JobState::SUCCEEDED);
  EXPECT_EQ(summary.job(), "7f3a81bc");
  EXPECT_EQ(summary.steps(), 12);
  EXPECT_EQ(summary.restarts(), 0);
  EXPECT_EQ(summary.steps_lost(), 0);
  EXPECT_EQ(summary.val_acc1(), 61.25);
  EXPECT_EQ(summary.workers(1).lanes_computed(), 48);
  ASSERT_EQ(summary.attempts_size(), 1);
  EXPECT_EQ(summary.attempts(0).cause(), "done");
  EXPECT_EQ(summary.attempts(0).steps_executed(), 12);
  EXPECT_FALSE(summary.attempts(0).has_recovery());
}

TEST(SummaryTest, StoppingAndGoingOnIsNoRestart) {
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  ApplyResult(Result(1, 0, 5, kStopped), &summary);
  EXPECT_EQ(summary.state(), v1::JobState::STOPPED);
  Launch(2, &summary);
  v1::AttemptStart next = Training(2, 5, 5);
  next.mutable_recovery()->set_source("disk");
  ApplyStart(next, &summary);
  ApplyResult(Result(2, 5, 7, absl::OkStatus()), &summary);
  EXPECT_EQ(summary.restarts(), 0);
  EXPECT_EQ(summary.steps_lost(), 0);
  EXPECT_EQ(summary.steps(), 12);
  EXPECT_EQ(summary.teacher_forwards(), 8 * 12);
  EXPECT_EQ(summary.views_replaced(), 12);
  EXPECT_EQ(summary.attempts(0).cause(), "stopped with everything saved");
  EXPECT_EQ(summary.attempts(1).recovery().source(), "disk");
}

TEST(SummaryTest, AKilledAttemptIsARestartAndItsUnsavedStepsAreLost) {
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  Start(2, 4, 7, &summary);  // no process recorded the end of attempt 1, which reached step 7
  EXPECT_EQ(summary.restarts(), 1);
  EXPECT_EQ(summary.steps_lost(), 3);
  EXPECT_EQ(summary.steps(), 4);
  EXPECT_EQ(summary.attempts(0).steps_executed(), 7);
  EXPECT_FALSE(summary.attempts(0).has_exit_code());
  EXPECT_NE(summary.attempts(0).cause(), "");
}

TEST(SummaryTest, AFailureNamesItsCause) {
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  ApplyResult(Result(1, 0, 3, absl::UnavailableError("worker 1 on n1: exit 71")), &summary);
  EXPECT_EQ(summary.state(), v1::JobState::FAILED);
  EXPECT_EQ(summary.attempts(0).exit_code(), 69);
  EXPECT_EQ(summary.attempts(0).cause(), "a peer was lost or stalled: worker 1 on n1: exit 71");
}

TEST(SummaryTest, AnAttemptThatDiedBeforeItTrainedLosesNothing) {
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  ApplyEnd(
      {.attempt = 1, .cause = "worker 1 on n1: killed by signal 9 (Killed)", .signal = 9, .worker = 1, .node = "n1", .reached_step = 6},
      &summary);
  Launch(2, &summary);
  EXPECT_EQ(summary.state(), v1::JobState::STARTING);
  ApplyEnd({.attempt = 2, .cause = "mpirun: killed by signal 9 (Killed)", .signal = 9, .reached_step = 6}, &summary);
  Start(3, 4, 7, &summary);
  EXPECT_EQ(summary.restarts(), 2);
  EXPECT_EQ(summary.steps_lost(), 3);
  EXPECT_EQ(summary.attempts(0).steps_executed(), 7) << "metrics knew of one more step than the owner";
  EXPECT_EQ(summary.attempts(0).worker(), 1);
  EXPECT_EQ(summary.attempts(0).node(), "n1");
  EXPECT_EQ(summary.attempts(1).steps_executed(), 0);
  EXPECT_FALSE(summary.attempts(1).has_worker());
  EXPECT_EQ(summary.attempts(2).first_step(), 4);
}

TEST(SummaryTest, AStartIsAppliedOnce) {
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  Start(2, 4, 7, &summary);
  const std::string once = summary.SerializeAsString();
  ApplyStart(Training(2, 4, 7), &summary);
  EXPECT_EQ(summary.SerializeAsString(), once);
}

TEST(SummaryTest, TheOwnersViewOfAnEndKeepsWhatWorkerZeroCounted) {
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  ApplyResult(Result(1, 0, 3, absl::UnavailableError("worker 1 did not deliver")), &summary);
  ApplyEnd({.attempt = 1, .cause = "worker 1 on n1: silent", .exit_code = 69, .worker = 1, .node = "n1", .reached_step = 2}, &summary);
  EXPECT_EQ(summary.attempts(0).steps_executed(), 3);
  EXPECT_EQ(summary.attempts(0).cause(), "worker 1 on n1: silent");
  EXPECT_EQ(summary.teacher_forwards(), 24);
}

TEST(SummaryTest, IsCarriedOverInItsFile) {
  testing::TempFolder folder;
  const std::string path = folder / "summary.json";
  auto& fs = files::FileSystem::Posix();
  EXPECT_EQ(ReadSummary(fs, path).attempts_size(), 0);
  v1::Summary summary;
  Start(1, 0, 0, &summary);
  ApplyResult(Result(1, 0, 5, kStopped), &summary);
  ASSERT_TRUE(WriteSummary(fs, path, summary).ok());
  EXPECT_EQ(ReadSummary(fs, path).SerializeAsString(), summary.SerializeAsString());
}

TEST(SummaryTest, ABrokenFileIsSaidAndStartsAnew) {
  testing::TempFolder folder;
  const std::string path = folder / "summary.json";
  std::ofstream(path) << "{\"job\": \"7f3a";
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ReadSummary(files::FileSystem::Posix(), path).attempts_size(), 0);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(path), std::string::npos) << said;
}

TEST(ErrorReportTest, HoldsWhatTheStatusCarries) {
  const Status status = WithHint(absl::DataLossError("step_00000012: digest differs"), "run again");
  const v1::WorkerError error =
      MakeWorkerError(status, {.worker = 2, .attempt = 3, .step = 12, .phase = "checkpoint"}, absl::FromUnixMillis(1500));
  EXPECT_EQ(error.time(), 1.5);
  EXPECT_EQ(error.worker(), 2);
  EXPECT_EQ(error.attempt(), 3);
  EXPECT_EQ(error.exit_code(), 65);
  EXPECT_EQ(error.meaning(), "data or checkpoint corrupt");
  EXPECT_EQ(error.step(), 12);
  EXPECT_EQ(error.phase(), "checkpoint");
  EXPECT_EQ(error.message(), "step_00000012: digest differs");
  EXPECT_EQ(error.hint(), "run again");
}

TEST(ErrorReportTest, AStopIsNoFailure) {
  v1::AttemptResult result;
  SetOutcome(kStopped, absl::FromUnixSeconds(1), &result);
  EXPECT_EQ(result.exit_code(), 75);
  EXPECT_EQ(result.message(), "");
}

}  // namespace
}  // namespace deit::run
