#include "common/job/observation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/files/operations.h"
#include "common/job/job_record.h"
#include "common/json/json_file.h"
#include "common/run/run_folder.h"
#include "tests/support/job_records.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

using process::Life;
using testing::DeadProcess;
using testing::LivingProcess;
using testing::RecordOf;
using testing::TempFolder;
using v1::JobState;

class ObservationTest : public ::testing::Test {
 protected:
  ObservationTest() {
    EXPECT_TRUE(MakeStateFolder(state_).ok());
    EXPECT_TRUE(run::MakeRunFolder(fs_, run_).ok());
  }

  v1::JobRecord Record(const v1::ProcessIdentity& process) {
    v1::JobRecord record = RecordOf("7f3a0001", JobState::RUNNING, process);
    record.set_run_dir(run_.path());
    return record;
  }

  void Write(const std::string& path, const google::protobuf::Message& message) {
    ASSERT_TRUE(files::CreateFolders(fs_, files::ParentOf(path)).ok());
    ASSERT_TRUE(json::WriteJsonFile(fs_, path, message).ok());
  }

  TempFolder temp_;
  StateFolder state_{temp_ / "state"};
  run::RunFolder run_{temp_ / "run"};
  files::FileSystem& fs_ = files::FileSystem::Posix();
};

TEST_F(ObservationTest, LooksAtEachProcessAndAtTheRunFolder) {
  v1::JobRecord record = Record(LivingProcess());
  *record.mutable_workers(1)->mutable_process() = DeadProcess();
  v1::Progress progress;
  progress.set_time(1'790'000'000.5);
  progress.set_step(15012);
  Write(run_.Progress(), progress);
  v1::LauncherExit exit;
  exit.set_attempt(record.attempt());
  exit.set_exit_code(69);
  Write(run_.Exit(record.attempt()), exit);
  v1::AttemptResult result;
  result.set_attempt(record.attempt());
  result.set_exit_code(76);
  Write(run_.Result(record.attempt()), result);
  std::ofstream(state_.CancelRequest("7f3a0001")) << "";

  const Observation seen = Observe(fs_, state_, record);
  EXPECT_EQ(seen.evidence.owner, Life::kAlive);
  EXPECT_EQ(seen.evidence.guardian, Life::kAlive);
  EXPECT_EQ(seen.evidence.workers, (std::vector<Life>{Life::kAlive, Life::kDead}));
  EXPECT_EQ(seen.evidence.exit->exit_code(), 69);
  EXPECT_EQ(seen.evidence.result->exit_code(), 76);
  EXPECT_EQ(seen.evidence.trained, 1'790'000'000.5);
  EXPECT_TRUE(seen.evidence.cancel_requested);
  EXPECT_EQ(seen.progress->step(), 15012);
}

TEST_F(ObservationTest, WhatSpeaksOfAnotherAttemptIsNotBelieved) {
  const v1::JobRecord record = Record(DeadProcess());
  v1::LauncherExit exit;
  exit.set_attempt(record.attempt() - 1);
  Write(run_.Exit(record.attempt()), exit);
  v1::AttemptResult result;
  result.set_attempt(record.attempt() + 1);
  Write(run_.Result(record.attempt()), result);
  const Observation seen = Observe(fs_, state_, record);
  EXPECT_FALSE(seen.evidence.exit);
  EXPECT_FALSE(seen.evidence.result);
}

TEST_F(ObservationTest, WhatIsNotThereOrBrokenIsNotSeen) {
  std::ofstream(run_.Progress()) << "{ torn";
  v1::JobRecord record = Record(DeadProcess());
  record.set_run_dir(temp_ / "moved away");
  for (const std::string& path : {run_.path(), temp_ / "moved away"}) {
    record.set_run_dir(path);
    const Observation seen = Observe(fs_, state_, record);
    EXPECT_FALSE(seen.progress || seen.evidence.exit || seen.evidence.trained || seen.evidence.cancel_requested);
    EXPECT_EQ(seen.evidence.owner, Life::kDead);
    EXPECT_EQ(seen.record.attempt(), 2);
  }
}

TEST_F(ObservationTest, AnEndRecordedSinceTheRecordWasReadIsSeen) {
  const v1::JobRecord before = Record(DeadProcess());
  v1::JobRecord after = before;
  after.set_state(JobState::SUCCEEDED);
  after.set_updated(before.updated() + 1);
  after.set_ended(before.updated() + 1);
  after.set_run_dir("/where/it/was");
  ASSERT_TRUE(WriteJobRecord(fs_, state_, after).ok());
  const Observation seen = Observe(fs_, state_, before);
  EXPECT_EQ(seen.record.state(), JobState::SUCCEEDED);
  EXPECT_EQ(seen.record.run_dir(), run_.path());
}

TEST_F(ObservationTest, AnOwnerThatTookOverSinceTheRecordWasReadIsSeen) {
  const v1::JobRecord before = Record(DeadProcess());
  v1::JobRecord after = Record(LivingProcess());
  after.set_updated(before.updated() + 1);
  ASSERT_TRUE(WriteJobRecord(fs_, state_, after).ok());
  EXPECT_EQ(Observe(fs_, state_, before).evidence.owner, Life::kAlive);
}

TEST_F(ObservationTest, AnAttemptThatItsDeadOwnerDidNotRecordIsKnownByItsGuardian) {
  v1::JobRecord record = Record(DeadProcess());
  v1::LauncherExit exit;
  exit.set_attempt(2);
  exit.set_exit_code(69);
  Write(run_.Exit(2), exit);
  v1::GuardianRecord keeper;
  keeper.set_attempt(3);
  *keeper.mutable_guardian() = LivingProcess();
  Write(run_.Guardian(3), keeper);

  const Observation seen = Observe(fs_, state_, record);
  EXPECT_EQ(seen.record.attempt(), 3);
  EXPECT_EQ(seen.evidence.guardian, Life::kAlive);
  EXPECT_FALSE(seen.evidence.exit) << "that of an older attempt";
  EXPECT_TRUE(seen.evidence.workers.empty());
  *record.mutable_owner() = LivingProcess();
  EXPECT_EQ(Observe(fs_, state_, record).record.attempt(), 2) << "a living owner knows better";
}

TEST_F(ObservationTest, OfAJobWhoseEndIsRecordedOnlyTheProgressIsLookedAt) {
  v1::JobRecord record = Record(LivingProcess());
  record.set_ended(1'790'000'000);
  v1::Progress progress;
  progress.set_step(12);
  Write(run_.Progress(), progress);
  v1::LauncherExit exit;
  exit.set_attempt(record.attempt());
  Write(run_.Exit(record.attempt()), exit);
  const Observation seen = Observe(fs_, state_, record);
  EXPECT_EQ(seen.progress->step(), 12);
  EXPECT_FALSE(seen.evidence.exit);
  EXPECT_TRUE(seen.evidence.workers.empty());
}

}  // namespace
}  // namespace deit::job
