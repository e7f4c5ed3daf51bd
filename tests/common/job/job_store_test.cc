#include "common/job/job_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/exit_code.h"
#include "common/files/line_tail.h"
#include "common/job/attempt_lock.h"
#include "common/job/guardian_file.h"
#include "common/json/json_file.h"
#include "common/json/message_json.h"
#include "common/process/identity.h"
#include "common/run/error_report.h"
#include "common/spec/load.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

constexpr char kDigest[] = "00112233aabbccdd";

class JobStoreTest : public ::testing::Test {
 protected:
  JobStoreTest() { ::setenv("DEIT_STATE_DIR", (temp_ / "state").c_str(), 1); }
  ~JobStoreTest() override { ::unsetenv("DEIT_STATE_DIR"); }

  v1::JobSpec Spec() { return spec::LoadSpec("", {"name=small", "model.name=vit_tiny_patch16_224", "run_dir=" + (temp_ / "run")}).value(); }
  std::unique_ptr<JobStore> Take(const JobStoreOptions& options = {}) {
    auto owner = JobStore::Take(Spec(), kDigest, options);
    EXPECT_TRUE(owner.ok()) << owner.status();
    return *std::move(owner);
  }
  v1::JobRecord Record(const JobStore& owner) {
    v1::JobRecord record;
    EXPECT_TRUE(json::ReadJsonFile(files::FileSystem::Posix(), owner.state_folder()->Record(owner.job()), &record).ok());
    return record;
  }

  static v1::Event LastEvent(const JobStore& owner) {
    v1::Event event;
    files::LineTail(files::FileSystem::Posix(), owner.folder().Events())
        .Read([&](absl::string_view line) { EXPECT_TRUE(json::FromJson(line, &event).ok()) << line; })
        .IgnoreError();
    return event;
  }

  testing::TempFolder temp_;
};

v1::AttemptStart Start(int attempt) {
  v1::AttemptStart start;
  start.set_time(1);
  start.set_attempt(attempt);
  return start;
}

TEST_F(JobStoreTest, OneAtATime) {
  auto first = Take();
  const auto second = JobStore::Take(Spec(), kDigest, {});
  EXPECT_EQ(ExitCodeOf(second.status()), ExitCode::kRunFolder);
  const std::string job = first->job();
  first.reset();
  EXPECT_EQ(Take()->job(), job) << "the folder keeps its job";
}

TEST_F(JobStoreTest, TheRecordFollowsAnAttemptToItsEnd) {
  const auto owner = Take({.workers = 2, .workers_min = 1, .workers_max = 4});
  ASSERT_EQ(owner->BeginAttempt().value(), 1);
  EXPECT_EQ(Record(*owner).state(), v1::JobState::STARTING);
  EXPECT_EQ(Record(*owner).workers_max(), 4);
  EXPECT_EQ(Record(*owner).owner().pid(), process::Self().pid());
  owner->Started(Start(1));
  EXPECT_EQ(Record(*owner).state(), v1::JobState::RUNNING);
  EXPECT_FALSE(Record(*owner).has_ended());
  v1::AttemptResult result;
  result.set_attempt(1);
  run::SetOutcome(absl::OkStatus(), absl::Now(), &result);
  owner->Ended(result);
  owner->Finish(absl::OkStatus());
  EXPECT_EQ(LastEvent(*owner).reason(), v1::Event::JobSucceeded);
  EXPECT_EQ(LastEvent(*owner).attempt(), 1);
  EXPECT_EQ(Record(*owner).state(), v1::JobState::SUCCEEDED);
  EXPECT_TRUE(Record(*owner).has_ended());
  EXPECT_EQ(run::ReadSummary(files::FileSystem::Posix(), owner->folder().Summary()).state(), v1::JobState::SUCCEEDED);
}

TEST_F(JobStoreTest, AFailureStandsInTheRecordWithItsHint) {
  const auto owner = Take();
  ASSERT_TRUE(owner->BeginAttempt().ok());
  owner->Finish(WithHint(absl::DataLossError("train-images: ends at byte 12"), "fetch it again"));
  EXPECT_EQ(Record(*owner).state(), v1::JobState::FAILED);
  EXPECT_EQ(Record(*owner).exit_code(), 65);
  EXPECT_EQ(Record(*owner).reason(), "train-images: ends at byte 12");
  EXPECT_EQ(Record(*owner).hint(), "fetch it again");
  EXPECT_EQ(LastEvent(*owner).reason(), v1::Event::JobFailed);
  EXPECT_EQ(LastEvent(*owner).message(), "train-images: ends at byte 12");
}

TEST_F(JobStoreTest, AStopIsACancelOnlyWhenThisOwnerWasAsked) {
  const Status stopped = WithExitCode(absl::AbortedError("stopped"), ExitCode::kStoppedAndSaved);
  std::string request;
  {
    const auto owner = Take();
    ASSERT_TRUE(owner->BeginAttempt().ok());
    request = owner->state_folder()->CancelRequest(owner->job());
    std::ofstream{request} << "";
    EXPECT_TRUE(owner->CancelRequested());
    owner->Finish(stopped);
    EXPECT_EQ(Record(*owner).state(), v1::JobState::CANCELED);
    EXPECT_EQ(LastEvent(*owner).reason(), v1::Event::JobCanceled);
  }
  const auto next = Take();
  EXPECT_FALSE(next->CancelRequested()) << "the request was for the owner before";
  ASSERT_TRUE(next->BeginAttempt().ok());
  next->Finish(stopped);
  EXPECT_EQ(Record(*next).state(), v1::JobState::STOPPED);
  EXPECT_EQ(LastEvent(*next).reason(), v1::Event::JobStopped);
}

// A guardian of attempt 1 that lives: this process, with the attempt's lock.
class UnsupervisedAttempt {
 public:
  UnsupervisedAttempt(const run::RunFolder& folder, const std::string& job) : lock_(AttemptLock::Hold(folder, job, 1).value()) {
    v1::GuardianRecord guardian;
    guardian.set_attempt(1);
    *guardian.mutable_guardian() = process::Self();
    EXPECT_TRUE(WriteGuardian(files::FileSystem::Posix(), folder, job, &guardian).ok());
  }

 private:
  AttemptLock lock_;
};

TEST_F(JobStoreTest, ALivingAttemptIsLookedForBeforeAnythingIsChanged) {
  const run::RunFolder folder(temp_ / "run");
  std::string job;
  {
    const auto owner = Take();
    ASSERT_TRUE(owner->BeginAttempt().ok());
    job = owner->job();
    owner->record().mutable_owner()->set_start_time(1);  // it has ended
    owner->Publish();
  }
  std::filesystem::create_directories(folder.Checkpoints() + "/step_00000004");
  const UnsupervisedAttempt attempt(folder, job);
  const auto contents = [&] {
    std::string all;
    for (const std::string& path : {folder.Config(), folder.Job(), folder.Summary(), folder.Events()}) {
      std::ifstream file(path);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  };
  const std::string before = contents();
  auto other = Spec();
  other.set_name("other");
  EXPECT_EQ(ExitCodeOf(JobStore::Take(other, "ffffffffffffffff", {.allow_config_change = true, .take_over = true}).status()),
            ExitCode::kRunFolder);
  EXPECT_EQ(ExitCodeOf(JobStore::Take(other, kDigest, {.take_over = true, .fresh_start = true}).status()), ExitCode::kRunFolder);
  EXPECT_EQ(ExitCodeOf(JobStore::Take(other, kDigest, {}).status()), ExitCode::kRunFolder);
  EXPECT_EQ(contents(), before);
  EXPECT_TRUE(std::filesystem::exists(folder.Checkpoints() + "/step_00000004"));
  const auto owner = Take({.take_over = true});
  ASSERT_TRUE(owner->inherited_attempt());
  EXPECT_EQ(owner->inherited_attempt()->attempt(), 1);
  EXPECT_EQ(ExitCodeOf(owner->BeginAttempt().status()), ExitCode::kRunFolder) << "no second attempt while one lives";
}

TEST_F(JobStoreTest, ACopyInheritsNothingOfTheOriginalsAttempt) {
  const run::RunFolder folder(temp_ / "run");
  const auto original = Take();
  ASSERT_TRUE(original->BeginAttempt().ok());
  const UnsupervisedAttempt attempt(folder, original->job());
  std::filesystem::copy(folder.path(), temp_ / "copy", std::filesystem::copy_options::recursive);
  auto spec = Spec();
  spec.set_run_dir(temp_ / "copy");
  const auto copy = JobStore::Take(spec, kDigest, {.take_over = true});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_FALSE((*copy)->inherited_attempt());
  EXPECT_EQ((*copy)->BeginAttempt().value(), 2);
}

TEST_F(JobStoreTest, ALivingOwnerWhoseLockFileWasRemovedStaysTheOnlyOne) {
  const auto owner = Take();
  *owner->record().mutable_owner() = process::IdentityOf(::getppid()).value();  // another process than the second one's
  owner->CheckpointState(v1::JobState::RUNNING);
  std::filesystem::remove(owner->folder().Lock());
  const auto second = JobStore::Take(Spec(), kDigest, {.take_over = true});
  EXPECT_EQ(ExitCodeOf(second.status()), ExitCode::kRunFolder);
  EXPECT_NE(second.status().message().find("removed?"), std::string::npos) << second.status();
}

TEST_F(JobStoreTest, AFolderThatWasMovedIsNotMadeAgain) {
  const auto owner = Take();
  ASSERT_TRUE(owner->BeginAttempt().ok());
  EXPECT_TRUE(owner->CheckFolder().ok());
  std::filesystem::rename(temp_ / "run", temp_ / "moved");
  EXPECT_EQ(ExitCodeOf(owner->CheckFolder()), ExitCode::kRunFolder);
  EXPECT_FALSE(owner->BeginAttempt().ok());
  owner->CheckpointState(v1::JobState::RUNNING);
  EXPECT_FALSE(std::filesystem::exists(temp_ / "run"));
}

TEST_F(JobStoreTest, AnEndThatWasNotSeenIsNoneForAJobOfMoreSteps) {
  {
    const auto owner = Take();
    ASSERT_TRUE(owner->BeginAttempt().ok());
    owner->CheckpointState(v1::JobState::RUNNING);
    v1::GuardianRecord guardian;
    guardian.set_attempt(1);
    *guardian.mutable_guardian() = process::Self();
    guardian.mutable_guardian()->set_start_time(1);  // it has ended
    ASSERT_TRUE(WriteGuardian(files::FileSystem::Posix(), owner->folder(), owner->job(), &guardian).ok());
    v1::AttemptResult result;
    result.set_attempt(1);
    result.set_steps_executed(15);
    ASSERT_TRUE(json::WriteJsonFile(files::FileSystem::Posix(), owner->folder().Result(1), result).ok());
    auto gone = process::Self();
    gone.set_start_time(1);
    *owner->record().mutable_owner() = gone;
    owner->Publish();
  }
  EXPECT_TRUE(Take({.take_over = true})->inherited_attempt());
  auto longer = Spec();
  longer.mutable_train()->set_max_steps(40);
  const auto owner = JobStore::Take(longer, kDigest, {.take_over = true});
  ASSERT_TRUE(owner.ok()) << owner.status();
  EXPECT_FALSE((*owner)->inherited_attempt());
  EXPECT_EQ((*owner)->summary().attempts(0).steps_executed(), 15);
}

TEST_F(JobStoreTest, WithoutAPlaceForRecordsTheJobRunsAllTheSame) {
  std::ofstream{temp_ / "file"} << "";
  ::setenv("DEIT_STATE_DIR", (temp_ / "file").c_str(), 1);
  const auto owner = Take();
  EXPECT_FALSE(owner->state_folder());
  EXPECT_TRUE(owner->BeginAttempt().ok());
  owner->Finish(absl::OkStatus());
  EXPECT_EQ(owner->summary().state(), v1::JobState::SUCCEEDED);
}

}  // namespace
}  // namespace deit::job
