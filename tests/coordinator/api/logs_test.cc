#include "coordinator/api/logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/job/job_record.h"
#include "common/run/run_folder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/job_records.h"
#include "tests/support/temp_folder.h"

namespace deit::api {
namespace {

using ::testing::ElementsAre;
using v1::JobState;

class Collected : public LogSink {
 public:
  void Line(int worker, LogStream stream, absl::string_view line) override {
    lines.push_back(absl::StrCat(worker, stream == LogStream::kOut ? " out " : " err ", line));
  }
  void Notice(const std::string& message) override { lines.push_back("# " + message); }
  std::vector<std::string> Take() { return std::exchange(lines, {}); }
  std::vector<std::string> lines;
};

// Job aa000001 with a run folder, running unless a test ends it.
class LogsTest : public ::testing::Test {
 protected:
  LogsTest() {
    EXPECT_TRUE(job::MakeStateFolder(environment_.state_folder).ok());
    Record(testing::RecordOf("aa000001", JobState::RUNNING, testing::LivingProcess()));
  }

  void Record(v1::JobRecord record) {
    record.set_run_dir(run_.path());
    ASSERT_TRUE(job::WriteJobRecord(*environment_.fs, environment_.state_folder, record).ok());
  }
  void End() { Record(testing::EndedRecord("aa000001", JobState::SUCCEEDED, 0, 1'790'000'000)); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::app) << text;
  }
  JobHandle Handle() { return JobHandle::Find(environment_, "aa").value(); }

  testing::TempFolder folder_;
  testing::FakeClock clock_;
  Environment environment_{.fs = &files::FileSystem::Posix(), .clock = &clock_, .state_folder = job::StateFolder(folder_ / "state")};
  const run::RunFolder run_{folder_ / "run"};
  Collected sink_;
};

TEST_F(LogsTest, ShowsTheWorkerThatFailedFirst) {
  Write(run_.Stdout(1, 0), "a\n");
  Write(run_.Stdout(1, 1), "b\nc");
  Write(run_.Error(1, 1), R"({"attempt": 1, "worker": 1, "time": 5})");
  JobHandle job = Handle();
  ASSERT_TRUE(ShowLogs(job, {}, sink_).ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("# attempt 1: worker 1 failed first; --worker=all shows all", "1 out b", "1 out c"));
  LogRequest request;
  request.choice.worker = 0;
  request.worker_given = true;
  ASSERT_TRUE(ShowLogs(job, request, sink_).ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("0 out a"));
  request.attempt = 2;
  EXPECT_EQ(ShowLogs(job, request, sink_).code(), absl::StatusCode::kNotFound);
}

TEST_F(LogsTest, FollowsThroughARestartToTheEnd) {
  Write(run_.Stdout(1, 0), "one\ntw");
  JobHandle job = Handle();
  int pauses = 0;
  const auto ended = FollowLogs(job, {}, sink_, [&](absl::Duration duration) {
    clock_.Sleep(duration);
    switch (++pauses) {
      case 1: Write(run_.Stdout(1, 0), "o\ntorn"); break;
      case 2: Write(run_.Stdout(2, 0), "three\n"); break;
      case 3:
        Write(run_.Stderr(2, 0), "last");
        End();
        break;
      default: break;
    }
    return pauses < 100;
  });
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->state(), JobState::SUCCEEDED);
  EXPECT_THAT(sink_.Take(), ElementsAre("0 out one", "0 out two", "0 out torn", "# job aa000001 (deit-ti): attempt 2", "0 out three",
                                        "0 err last", "# job aa000001 (deit-ti): SUCCEEDED: all steps are done"));
}

TEST_F(LogsTest, AfterTheEndWaitsForTheLastMessagesOfWorkersThatLive) {
  Write(run_.Stdout(1, 0), "one\n");
  v1::JobRecord ended = testing::EndedRecord("aa000001", JobState::SUCCEEDED, 0, 1'790'000'000);
  *ended.mutable_workers(1)->mutable_process() = testing::LivingProcess();
  Record(ended);
  JobHandle job = Handle();
  const absl::Duration start = clock_.Elapsed();
  const auto followed = FollowLogs(job, {}, sink_, [&](absl::Duration duration) {
    clock_.Sleep(duration);
    return clock_.Elapsed() - start < absl::Minutes(1);
  });
  ASSERT_TRUE(followed.ok()) << followed.status();
  EXPECT_GT(clock_.Elapsed() - start, absl::Seconds(5));
  EXPECT_LT(clock_.Elapsed() - start, absl::Seconds(6));
}

TEST_F(LogsTest, OneAttemptIsFollowedToItsEndAndACallerMayStop) {
  Write(run_.Stdout(1, 0), "one\n");
  Write(run_.Stdout(2, 0), "two\n");
  JobHandle job = Handle();
  const auto stop = [](absl::Duration) { return false; };
  EXPECT_TRUE(FollowLogs(job, {.choice = {}, .worker_given = false, .attempt = 1}, sink_, stop).ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("0 out one"));
  EXPECT_EQ(FollowLogs(job, {}, sink_, stop).status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(sink_.Take(), ElementsAre("0 out two"));
}

}  // namespace
}  // namespace deit::api
