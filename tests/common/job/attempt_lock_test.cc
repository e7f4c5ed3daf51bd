#include "common/job/attempt_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "common/base/exit_code.h"
#include "common/job/state_folder.h"
#include "common/process/identity.h"
#include "tests/support/child_process.h"
#include "tests/support/deny_system_call.h"
#include "tests/support/started_run.h"

namespace deit::job {
namespace {

using files::LockState;
using ::testing::HasSubstr;

constexpr char kJob[] = "7f3a0001";

class AttemptLockTest : public ::testing::Test {
 protected:
  AttemptLock Hold() {
    auto lock = AttemptLock::Hold(run_, kJob, 1);
    EXPECT_TRUE(lock.ok()) << lock.status();
    return *std::move(lock);
  }

  testing::StartedRun started_;
  const testing::TempFolder& temp_ = started_.temp();
  const run::RunFolder& run_ = started_.folder();
  files::FileSystem& fs_ = files::FileSystem::Posix();
};

TEST_F(AttemptLockTest, ProvesLifeAndDeathOnTheMachineOfItsHolders) {
  EXPECT_EQ(AttemptLockProbe(run_, kJob, 1).State(), LockState::kUnknown) << "no file proves nothing";
  {
    const AttemptLock guardian = Hold(), worker = Hold();
    const AttemptLockProbe probe(run_, kJob, 1);
    EXPECT_EQ(probe.State(), LockState::kHeld);
    EXPECT_TRUE(probe.Here());
    EXPECT_TRUE(probe.IsMember(process::Self()));
    auto stranger = process::Self();
    stranger.set_start_time(stranger.start_time() - 1);
    EXPECT_FALSE(probe.IsMember(stranger));
  }
  const AttemptLockProbe probe(run_, kJob, 1);
  EXPECT_EQ(probe.State(), LockState::kFree);
  std::ofstream(run_.Alive(1), std::ios::app) << "0000-another-boot process 12 on node2\n";
  EXPECT_FALSE(AttemptLockProbe(run_, kJob, 1).Here()) << "one holder was of another machine";
}

TEST_F(AttemptLockTest, OfACopyIsFreeWhileTheOriginalLives) {
  const AttemptLock lock = Hold();
  std::filesystem::copy(run_.path(), temp_ / "copy", std::filesystem::copy_options::recursive);
  EXPECT_EQ(AttemptLockProbe(run::RunFolder(temp_ / "copy"), kJob, 1).State(), LockState::kFree);
}

TEST_F(AttemptLockTest, AnAttemptThatIsOverWritesNoMore) {
  const AttemptLock lock = Hold();
  EXPECT_TRUE(lock.CheckCurrent().ok());
  ASSERT_EQ(run::StartAttempt(fs_, run_).value(), 2);
  const Status over = lock.CheckCurrent();
  EXPECT_EQ(ExitCodeOf(over), ExitCode::kRunFolder);
  EXPECT_THAT(std::string(over.message()), HasSubstr("attempt 1 is over: attempt 2 has begun"));
  EXPECT_EQ(ExitCodeOf(AttemptLock::Hold(run_, kJob, 1).status()), ExitCode::kRunFolder) << "nor does a late worker join it";
}

TEST_F(AttemptLockTest, AFolderThatWasMovedOrReplacedIsNotWrittenTo) {
  const AttemptLock lock = Hold();
  std::filesystem::rename(run_.path(), temp_ / "moved");
  EXPECT_EQ(ExitCodeOf(lock.CheckCurrent()), ExitCode::kRunFolder);
  std::filesystem::copy(temp_ / "moved", run_.path(), std::filesystem::copy_options::recursive);
  EXPECT_THAT(std::string(lock.CheckCurrent().message()), HasSubstr("is another file than the one that was locked"));
}

TEST_F(AttemptLockTest, OfAnEndedAttemptIsTakenBeforeTheNextBegins) {
  EXPECT_FALSE(LockEndedAttempt(run_, kJob, 1, absl::ZeroDuration()).value()) << "begun by an older version";
  {
    const AttemptLock lock = Hold();
    const auto refused = LockEndedAttempt(run_, kJob, 1, absl::Milliseconds(1));
    EXPECT_EQ(ExitCodeOf(refused.status()), ExitCode::kRunFolder);
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("processes of attempt 1 still live"));
  }
  const auto taken = LockEndedAttempt(run_, kJob, 1, absl::ZeroDuration());
  ASSERT_TRUE(taken.ok() && *taken);
  EXPECT_EQ(AttemptLock::Hold(run_, kJob, 1).status().code(), absl::StatusCode::kFailedPrecondition) << "a late worker";
}

TEST_F(AttemptLockTest, IsInTheStateFolderWhereTheRunFolderHasNoLocks) {
  // The run folder's file system has no locks, the state folder's does: a child without any locks shows the first half.
  const auto result = testing::RunChild([&] {
    if (!testing::DenySystemCall(SYS_flock, ENOSYS) || !testing::DenySystemCall(SYS_fcntl, ENOSYS)) ::_exit(77);
    const auto lock = AttemptLock::Hold(run_, kJob, 1);
    if (lock.ok() || ExitCodeOf(lock.status()) != ExitCode::kRunFolder) ::_exit(1);
    if (!std::filesystem::exists(StateFolder(started_.state()).AttemptLock(kJob))) ::_exit(2);
  });
  if (result.ExitedWith(77)) GTEST_SKIP() << "no system call can be denied here";
  EXPECT_TRUE(result.ExitedWith(0)) << result.status;
  std::filesystem::remove(run_.Alive(1));
  const auto instead = files::FileLock::AcquireShared(StateFolder(started_.state()).AttemptLock(kJob), "holder");
  ASSERT_TRUE(instead.ok());
  EXPECT_EQ(AttemptLockProbe(run_, kJob, 1).State(), LockState::kHeld);
}

}  // namespace
}  // namespace deit::job
