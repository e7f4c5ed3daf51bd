#include "coordinator/job/job_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/files/operations.h"
#include "common/json/json_file.h"
#include "common/spec/load.h"
#include "tests/coordinator/job/fake_job.h"
#include "tests/support/fake_clock.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A job of two workers in a folder of its own; the test moves time and says what processes do.
class JobControllerTest : public ::testing::Test {
 protected:
  JobControllerTest() {
    ::setenv("DEIT_STATE_DIR", (temp_ / "state").c_str(), 1);
    spec_ = *spec::LoadSpec("", {"name=small", "model.name=vit_tiny_patch16_224", "run_dir=" + (temp_ / "run")});
  }
  ~JobControllerTest() override {
    controller_.reset();
    ::unsetenv("DEIT_STATE_DIR");
  }

  Status Start(std::optional<v1::JobRecord> take_over = {}) {
    store_ = *JobStore::Take(spec_, "00112233aabbccdd", {.take_over = true, .workers = 2});
    environment_.emplace(JobEnvironment{clock_, files::FileSystem::Posix(), launcher_, starter_, channel_, *store_, observer_});
    JobOptions options;
    options.policy = PolicyOf(spec_, 2, launcher_);
    options.launch.program = "/opt/deit-worker";
    options.temporary_folder = [this](int attempt) { return temp_ / absl::StrCat("tmp", attempt); };
    options.take_over = std::move(take_over);
    auto started = JobController::Start(io_, *environment_, std::move(options), [this](const JobEnd& end) { end_ = end; });
    if (!started.ok()) return started.status();
    controller_ = *std::move(started);
    return absl::OkStatus();
  }

  // Time passes, and the controller looks every 100 ms.
  void Pass(double seconds) {
    for (double passed = 0; passed < seconds && !end_; passed += 0.1) {
      clock_.Sleep(absl::Milliseconds(100));
      controller_->Look();
    }
  }

  // Both workers of the newest attempt introduce themselves and reach `step`.
  void Train(int64_t step = 10) {
    for (int worker = 0; worker < 2; ++worker) channel_.Hello(Connection(worker), channel_.admitted, worker, 2);
    for (int worker = 0; worker < 2; ++worker) channel_.Heartbeat(Connection(worker), step);
  }
  int64_t Connection(int worker) const { return 10 * channel_.admitted + worker; }
  FakeProcesses& Newest() { return starter_.attempts[channel_.admitted]; }

  void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(files::WriteFileAtomically(files::FileSystem::Posix(), path, text).ok());
  }
  void WriteResult(int code, int64_t steps) {
    v1::AttemptResult result;
    result.set_attempt(channel_.admitted);
    result.set_exit_code(code);
    result.set_steps_executed(steps);
    ASSERT_TRUE(json::WriteJsonFile(files::FileSystem::Posix(), store_->folder().Result(channel_.admitted), result).ok());
  }
  void WriteStart() {
    v1::AttemptStart start;
    start.set_attempt(channel_.admitted);
    start.set_time(1);
    ASSERT_TRUE(json::WriteJsonFile(files::FileSystem::Posix(), store_->folder().Start(channel_.admitted), start).ok());
  }
  void FailByWorker1() {
    Write(store_->folder().LauncherStderr(channel_.admitted), "worker 1 died\n");
    Newest().End(1);
  }
  std::string EventsText() { return testing::ReadFile(store_->folder().Events()); }

  testing::TempFolder temp_;
  testing::FakeClock clock_;
  v1::JobSpec spec_;
  FakeLauncher launcher_;
  FakeStarter starter_;
  FakeChannel channel_;
  FakeObserver observer_;
  std::unique_ptr<JobStore> store_;
  std::optional<JobEnvironment> environment_;
  boost::asio::io_context io_;
  std::unique_ptr<JobController> controller_;
  std::optional<JobEnd> end_;
};

TEST_F(JobControllerTest, LaunchesRecordsAndSucceeds) {
  ASSERT_TRUE(Start().ok());
  EXPECT_THAT(Newest().command.words, ElementsAre("fakerun", "2", "/opt/deit-worker", "--config=" + store_->folder().Config(),
                                                  "--run_dir=" + store_->folder().path(), "--attempt=1"));
  EXPECT_EQ(store_->record().state(), v1::JobState::STARTING);
  Train();
  WriteStart();
  Pass(0.3);
  EXPECT_EQ(store_->record().state(), v1::JobState::RUNNING);
  ASSERT_EQ(store_->record().workers_size(), 2);
  EXPECT_EQ(store_->record().workers(1).step(), 10);
  WriteResult(0, 40);
  Newest().End(0);
  Pass(0.3);
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->state, v1::JobState::SUCCEEDED);
  EXPECT_EQ(store_->summary().state(), v1::JobState::SUCCEEDED);
  EXPECT_TRUE(channel_.closed);
  EXPECT_THAT(EventsText(), HasSubstr("JobSucceeded"));
}

TEST_F(JobControllerTest, AFailedWorkerIsReportedAndTheAttemptFollowed) {
  ASSERT_TRUE(Start().ok());
  Train();
  Write(store_->folder().Metrics(), "{\"step\":9}\n");
  ASSERT_TRUE(files::CreateFolders(files::FileSystem::Posix(), store_->folder().Worker(1, 1)).ok());
  Write(store_->folder().Stderr(1, 1), "deit-worker[1]: last words\n");
  WriteStart();
  Pass(0.3);
  FailByWorker1();
  Pass(0.2);
  ASSERT_EQ(observer_.failures.size(), 1U);
  EXPECT_EQ(observer_.failures[0].title, "attempt 1: worker 1 on n1: killed by signal 9 (Killed) at step 10 in phase compute");
  EXPECT_THAT(observer_.failures[0].last_lines, ElementsAre("deit-worker[1]: last words"));
  EXPECT_EQ(observer_.failures[0].next, "the next attempt follows at once");
  EXPECT_EQ(channel_.admitted, 2);
  const auto& failed = store_->summary().attempts(0);
  EXPECT_EQ(failed.failure(), "signal 9");
  EXPECT_EQ(failed.worker(), 1);
  EXPECT_EQ(failed.steps_executed(), 10);
  EXPECT_EQ(store_->record().restarts(), 1);
  EXPECT_EQ(store_->record().state(), v1::JobState::RECOVERING);
}

TEST_F(JobControllerTest, AStopIsPassedOnAndSaysWhatIsSaved) {
  ASSERT_TRUE(Start().ok());
  controller_->Stop(false);
  EXPECT_EQ(Newest().stops, 0) << "its workers do not handle the signal yet";
  Train();
  EXPECT_EQ(Newest().stops, 1);
  EXPECT_EQ(store_->record().state(), v1::JobState::DRAINING);
  WriteResult(75, 12);
  Newest().End(75);
  Pass(0.2);
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->state, v1::JobState::STOPPED);
  EXPECT_FALSE(end_->steps.lost());
  EXPECT_EQ(store_->record().saved_step(), 12);
}

TEST_F(JobControllerTest, AForcedStopLosesStepsAndSaysSo) {
  ASSERT_TRUE(Start().ok());
  Train();
  Write(store_->folder().Metrics(), "{\"step\":9}\n");
  controller_->Stop(false);
  controller_->Stop(true);
  EXPECT_EQ(Newest().kills, 1);
  Pass(0.2);
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->state, v1::JobState::STOPPED);
  EXPECT_EQ(end_->steps.reached, 10);
  EXPECT_EQ(end_->steps.saved, 0);
  EXPECT_EQ(store_->record().reason(), "stopped; 10 finished steps are lost: saved up to step 0 of 10");
}

TEST_F(JobControllerTest, AStopDuringABackOffEndsAtOnce) {
  starter_.failures = {absl::UnavailableError("no processes left"), absl::UnavailableError("no processes left")};
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(observer_.failures.size(), 2U) << "the first again at once, the second waits";
  EXPECT_EQ(store_->record().state(), v1::JobState::RECOVERING);
  controller_->Stop(false);
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->state, v1::JobState::STOPPED);
  EXPECT_TRUE(starter_.attempts.empty());
}

TEST_F(JobControllerTest, ALaunchThatFailsIsTriedAgainAfterABackOff) {
  starter_.failures = {absl::UnavailableError("no processes left"), absl::ResourceExhaustedError("no descriptors left")};
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(observer_.failures[0].title, "attempt 1: the workers cannot be started: no descriptors left");
  EXPECT_EQ(observer_.failures[1].next, "the next attempt follows in 1.0s");
  Pass(1.2);
  EXPECT_EQ(starter_.attempts.count(3), 1U);
  EXPECT_EQ(store_->summary().attempts(1).failure(), "launch failed");
}

TEST_F(JobControllerTest, EveryWayOutRecordsAnEnd) {
  starter_.failures = {absl::PermissionDeniedError("/usr/bin/fakerun: permission denied")};
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->state, v1::JobState::FAILED);
  EXPECT_TRUE(store_->record().has_ended());
  store_.reset();
  end_.reset();
  channel_.open_status = absl::UnavailableError("no port left");
  EXPECT_EQ(Start().message(), "no port left");
  EXPECT_TRUE(store_->record().has_ended());
  EXPECT_EQ(store_->record().state(), v1::JobState::FAILED);
}

TEST_F(JobControllerTest, AKillThatHasNoEffectIsForcedAndRepeated) {
  ASSERT_TRUE(Start().ok());
  Train();
  Newest().obeys_kill = Newest().obeys_force = false;
  controller_->Stop(true);
  Pass(4.8);
  EXPECT_EQ(Newest().forced, 0);
  Pass(3);
  EXPECT_GE(Newest().forced, 2);
  EXPECT_FALSE(end_);
  Newest().obeys_force = true;
  Pass(2);
  EXPECT_TRUE(end_);
}

TEST_F(JobControllerTest, ASuspendedWorkerThatIsSilentIsNamed) {
  ASSERT_TRUE(Start().ok());
  Train();
  Newest().suspended = {1};
  for (int k = 0; k < 30; ++k) {
    channel_.Heartbeat(Connection(0), 11 + k);
    Pass(0.1);
  }
  ASSERT_EQ(observer_.failures.size(), 1U);
  EXPECT_THAT(observer_.failures[0].title, HasSubstr("worker 1 on n1: silent for 2.6 s (stopped by a signal)"));
}

TEST_F(JobControllerTest, ADeadWorkerWithoutALauncherThatEndsIsKilledSoon) {
  ASSERT_TRUE(Start().ok());
  Train();
  channel_.handlers.on_closed({Connection(1)});
  Newest().gone = {101};
  Pass(0.5);
  EXPECT_EQ(starter_.attempts[1].kills, 0) << "the launcher may say how it died";
  Pass(0.5);
  EXPECT_EQ(starter_.attempts[1].kills, 1);
}

TEST_F(JobControllerTest, ATakeOverGoesOnWithTheAttempt) {
  ASSERT_TRUE(Start().ok());
  Train();
  Pass(0.3);
  v1::JobRecord record = store_->record();
  ASSERT_EQ(record.workers_size(), 2);
  controller_.reset();
  EXPECT_TRUE(Newest().alive) << "an attempt outlives its controller";
  store_.reset();
  ASSERT_TRUE(Start(record).ok());
  EXPECT_TRUE(Newest().adopted);
  EXPECT_EQ(store_->summary().attempts_size(), 1);
  EXPECT_THAT(EventsText(), HasSubstr("CoordinatorRecovered"));
  WriteResult(0, 40);
  Newest().End(0);
  Pass(0.2);
  EXPECT_EQ(end_->state, v1::JobState::SUCCEEDED);
}

TEST_F(JobControllerTest, AFolderThatIsMovedEndsTheJobAndIsNotMadeAgain) {
  ASSERT_TRUE(Start().ok());
  Train();
  std::filesystem::rename(temp_ / "run", temp_ / "moved");
  Pass(0.5);
  EXPECT_EQ(starter_.attempts[1].kills, 1);
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->state, v1::JobState::FAILED);
  EXPECT_THAT(store_->record().reason(), HasSubstr("the run folder was moved or removed"));
  EXPECT_FALSE(std::filesystem::exists(temp_ / "run"));
}

TEST_F(JobControllerTest, RejectedConnectionsAreRecordedAndReported) {
  ASSERT_TRUE(Start().ok());
  channel_.counts["wrong token"] = 10;
  channel_.handlers.on_rejected("wrong token", 10);
  EXPECT_THAT(observer_.warnings, ElementsAre("control channel: 10 connections refused: wrong token"));
  EXPECT_EQ(store_->record().refused(0).count(), 10);
}

}  // namespace
}  // namespace deit::job
