#include "common/job/owner_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <filesystem>

#include "common/base/exit_code.h"
#include "tests/support/child_process.h"
#include "tests/support/deny_system_call.h"
#include "tests/support/started_run.h"

namespace deit::job {
namespace {

using files::LockState;

class OwnerLockTest : public ::testing::Test {
 protected:
  testing::StartedRun started_;
  const run::RunFolder& run_ = started_.folder();
};

TEST_F(OwnerLockTest, IsTheRunFoldersAndSeenWhileItIsHeld) {
  EXPECT_EQ(LookAtOwnerLock(run_), LockState::kUnknown);
  EXPECT_FALSE(std::filesystem::exists(run_.Lock())) << "a look makes nothing";
  {
    const auto lock = LockOwner(run_);
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_EQ(lock->path(), run_.Lock());
    EXPECT_EQ(LookAtOwnerLock(run_), LockState::kHeld);
    EXPECT_EQ(ExitCodeOf(LockOwner(run_).status()), ExitCode::kRunFolder);
  }
  EXPECT_EQ(LookAtOwnerLock(run_), LockState::kFree);
}

TEST_F(OwnerLockTest, WithoutLocksAnywhereTheMessageSaysSo) {
  const auto result = testing::RunChild([&] {
    if (!testing::DenySystemCall(SYS_flock, ENOLCK) || !testing::DenySystemCall(SYS_fcntl, ENOLCK)) ::_exit(77);
    const auto lock = LockOwner(run_);
    if (!absl::IsUnimplemented(lock.status()) || ExitCodeOf(lock.status()) != ExitCode::kRunFolder) ::_exit(1);
    if (HintOf(lock.status()).find("mount it with locks") == std::string::npos) ::_exit(2);
  });
  if (result.ExitedWith(77)) GTEST_SKIP() << "no system call can be denied here";
  EXPECT_TRUE(result.ExitedWith(0)) << result.status;
}

}  // namespace
}  // namespace deit::job
