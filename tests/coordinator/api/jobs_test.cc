#include "coordinator/api/jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/job/job_record.h"
#include "tests/support/fake_clock.h"
#include "tests/support/job_records.h"
#include "tests/support/temp_folder.h"

namespace deit::api {
namespace {

using v1::JobState;

class JobsTest : public ::testing::Test {
 protected:
  JobsTest() { EXPECT_TRUE(job::MakeStateFolder(environment_.state_folder).ok()); }

  void Record(const v1::JobRecord& record) { ASSERT_TRUE(job::WriteJobRecord(*environment_.fs, environment_.state_folder, record).ok()); }
  JobHandle Handle(const std::string& job) { return JobHandle::Find(environment_, job).value(); }

  testing::TempFolder folder_;
  testing::FakeClock clock_;
  Environment environment_{.fs = &files::FileSystem::Posix(), .clock = &clock_, .state_folder = job::StateFolder(folder_ / "state")};
};

TEST_F(JobsTest, ListsThoseThatRunBeforeThoseThatAreOver) {
  EXPECT_TRUE(ListJobs(environment_)->jobs().empty());
  Record(testing::EndedRecord("aa000001", JobState::SUCCEEDED, 0, 1'789'999'000));
  Record(testing::RecordOf("bb000001", JobState::RUNNING, testing::LivingProcess()));
  const auto report = ListJobs(environment_);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->jobs_size(), 2);
  EXPECT_EQ(report->jobs(0).job(), "bb000001");
  EXPECT_EQ(report->jobs(1).job(), "aa000001");
  JobHandle job = Handle("aa");
  EXPECT_EQ(ShowJob(job).jobs(0).state(), JobState::SUCCEEDED);
}

TEST_F(JobsTest, WaitReturnsOnceTheJobIsOver) {
  Record(testing::RecordOf("bb000001", JobState::RUNNING, testing::LivingProcess()));
  JobHandle job = Handle("bb");
  int pauses = 0;
  const auto ended = WaitForJob(job, absl::InfiniteDuration(), [&](absl::Duration duration) {
    clock_.Sleep(duration);
    if (++pauses == 3) Record(testing::EndedRecord("bb000001", JobState::STOPPED, 75, 1'790'000'000));
    return true;
  });
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(pauses, 3);
  EXPECT_EQ(ended->state(), JobState::STOPPED);
  EXPECT_EQ(ended->exit_code(), 75);
}

TEST_F(JobsTest, WaitEndsAtItsTimeoutOrWhenItsCallerWantsNoMore) {
  Record(testing::RecordOf("bb000001", JobState::RUNNING, testing::LivingProcess()));
  JobHandle job = Handle("bb");
  const absl::Duration start = clock_.Elapsed();
  const auto pass = [&](absl::Duration duration) {
    clock_.Sleep(duration);
    return true;
  };
  const auto late = WaitForJob(job, absl::Milliseconds(500), pass);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(late.status().message(), "wait: job bb000001 (deit-ti): after 500ms still RUNNING");
  EXPECT_EQ(clock_.Elapsed() - start, absl::Milliseconds(500));
  EXPECT_EQ(WaitForJob(job, absl::ZeroDuration(), pass).status().code(), absl::StatusCode::kDeadlineExceeded);
  const auto interrupted = WaitForJob(job, absl::InfiniteDuration(), [](absl::Duration) { return false; });
  EXPECT_EQ(interrupted.status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace deit::api
