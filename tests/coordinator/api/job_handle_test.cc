#include "coordinator/api/job_handle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/job/job_record.h"
#include "common/json/json_file.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"
#include "tests/support/fake_clock.h"
#include "tests/support/job_records.h"
#include "tests/support/temp_folder.h"

namespace deit::api {
namespace {

using ::testing::HasSubstr;
using v1::JobState;

// A run folder whose job is known in no state folder, unless a test records it.
class JobHandleTest : public ::testing::Test {
 protected:
  JobHandleTest() {
    EXPECT_TRUE(job::MakeStateFolder(environment_.state_folder).ok());
    EXPECT_TRUE(run::MakeRunFolder(fs_, run_).ok());
  }

  std::string Start() {
    const auto identity =
        run::ClaimIdentity(fs_, run_, {.spec_digest = "00112233aabbccdd", .allow_config_change = false}, [] { return std::string(); });
    EXPECT_TRUE(identity.ok()) << identity.status();
    return identity->job;
  }
  void WriteSummary(JobState::Value state) {
    v1::Summary summary;
    summary.set_name("student");
    summary.set_state(state);
    v1::Summary::Attempt& attempt = *summary.add_attempts();
    attempt.set_attempt(1);
    attempt.set_workers(2);
    attempt.set_start_time(1'789'999'000);
    attempt.set_cause("worker 1 on n1: exit 71");
    std::filesystem::create_directories(run_.Attempt(1));
    EXPECT_TRUE(json::WriteJsonFile(fs_, run_.Summary(), summary).ok());
  }

  testing::TempFolder folder_;
  testing::FakeClock clock_;
  files::FileSystem& fs_ = files::FileSystem::Posix();
  Environment environment_{.fs = &fs_, .clock = &clock_, .state_folder = job::StateFolder(folder_ / "state")};
  const run::RunFolder run_{folder_ / "run"};
};

TEST_F(JobHandleTest, IsFoundByItsRunFolderAloneWhereItsRecordIsGone) {
  const std::string job = Start();
  WriteSummary(JobState::FAILED);
  auto handle = JobHandle::Find(environment_, run_.path());
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_EQ(handle->Title(), "job " + job + " (student)");
  const JobSnapshot snapshot = handle->Look();
  EXPECT_TRUE(snapshot.over());
  EXPECT_EQ(StateText(snapshot.health.state, snapshot.health.reason), "FAILED: worker 1 on n1: exit 71");
  EXPECT_EQ(snapshot.observation.record.attempt(), 1);
  EXPECT_EQ(DescribeJob(environment_, snapshot).created_at(), "2026-09-21T13:56:40.000Z");
  EXPECT_EQ(JobHandle::Find(environment_, job).status().code(), absl::StatusCode::kNotFound) << "an id is no run folder";
}

TEST_F(JobHandleTest, OfARunFolderWithoutAnEndNothingIsKnownToLive) {
  Start();
  WriteSummary(JobState::RUNNING);
  auto handle = JobHandle::Find(environment_, run_.path());
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_EQ(handle->Look().health.state, JobState::LOST);
  WriteSummary(JobState::SUCCEEDED);
  EXPECT_EQ(handle->Look().health.state, JobState::SUCCEEDED) << "the folder is read at each look";
}

TEST_F(JobHandleTest, ACopyOfARunFolderIsNotItsOriginal) {
  const std::string job = Start();
  WriteSummary(JobState::RUNNING);
  v1::GuardianRecord guardian;
  guardian.set_attempt(1);
  *guardian.mutable_guardian() = testing::LivingProcess();
  ASSERT_TRUE(json::WriteJsonFile(fs_, run_.Guardian(1), guardian).ok());
  EXPECT_EQ(JobHandle::Find(environment_, run_.path())->Look().health.state, JobState::RUNNING);
  const std::string copy = folder_ / "copy";
  std::filesystem::copy(run_.path(), copy, std::filesystem::copy_options::recursive);
  auto handle = JobHandle::Find(environment_, copy);
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_EQ(handle->Title(), "job of " + copy + " (student)");
  EXPECT_EQ(handle->Look().health.state, JobState::LOST) << "the guardian is the original's";
}

TEST_F(JobHandleTest, ARecordCountsMoreThanTheFolder) {
  const std::string job = Start();
  WriteSummary(JobState::RUNNING);
  auto handle = JobHandle::Find(environment_, run_.path());
  ASSERT_TRUE(handle.ok()) << handle.status();
  ASSERT_TRUE(job::WriteJobRecord(fs_, environment_.state_folder, testing::EndedRecord(job, JobState::STOPPED, 75, 1'789'999'999)).ok());
  EXPECT_EQ(handle->Look().health.state, JobState::STOPPED);
  EXPECT_EQ(handle->run_dir(), run_.path()) << "where it was found";
}

TEST_F(JobHandleTest, WhatIsNeitherAnIdNorARunFolderIsNotFound) {
  const auto handle = JobHandle::Find(environment_, folder_.path());
  EXPECT_EQ(handle.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(handle.status().message()), HasSubstr(folder_.path()));
  EXPECT_EQ(JobHandle::Find(environment_, "").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace deit::api
