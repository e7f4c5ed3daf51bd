#include "common/files/file_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/deny_system_call.h"
#include "tests/support/temp_folder.h"

namespace deit::files {
namespace {

using ::testing::HasSubstr;

TEST(FileLockTest, SecondTakerIsRefusedAndToldWhoHoldsIt) {
  testing::TempFolder folder;
  auto first = FileLock::Acquire(folder / "lock", "deit-worker 4711 on node1");
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = FileLock::Acquire(folder / "lock", "another");
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use by deit-worker 4711 on node1"));
}

TEST(FileLockTest, IsFreeAfterItsOwnerReleasedIt) {
  testing::TempFolder folder;
  {
    auto first = FileLock::Acquire(folder / "lock", "a much longer owner text");
    ASSERT_TRUE(first.ok());
    FileLock moved = std::move(*first);
    EXPECT_FALSE(FileLock::Acquire(folder / "lock", "b").ok());
  }
  auto again = FileLock::Acquire(folder / "lock", "b");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(std::string(FileLock::Acquire(folder / "lock", "c").status().message()), ::testing::EndsWith("in use by b"));
}

TEST(FileLockTest, EndsWithAKilledProcess) {
  testing::TempFolder folder;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto lock = FileLock::Acquire(folder / "lock", "child");
    const char byte = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_FALSE(FileLock::Acquire(folder / "lock", "parent").ok());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::Acquire(folder / "lock", "parent").ok());
  close(ready[0]);
  close(ready[1]);
}

TEST(FileLockTest, AFileThatWasRemovedIsNoLock) {
  testing::TempFolder folder;
  auto first = FileLock::Acquire(folder / "lock", "a");
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->CheckInPlace().ok());
  std::filesystem::rename(folder / "lock", folder / "moved");
  EXPECT_TRUE(absl::IsNotFound(first->CheckInPlace()));
  std::ofstream(folder / "lock") << "another";
  EXPECT_TRUE(absl::IsAborted(first->CheckInPlace()));
}

TEST(FileLockTest, SharedByManyAndThenFree) {
  testing::TempFolder folder;
  auto first = FileLock::AcquireShared(folder / "alive", "first");
  auto second = FileLock::AcquireShared(folder / "alive", "second");
  ASSERT_TRUE(first.ok() && second.ok());
  const LockProbe probe(folder / "alive");
  EXPECT_EQ(probe.Text(), "first\nsecond");
  EXPECT_EQ(probe.State(), LockState::kHeld);
  { const FileLock gone = *std::move(first); }
  EXPECT_EQ(probe.State(), LockState::kHeld);
  EXPECT_TRUE(absl::IsFailedPrecondition(FileLock::Acquire(folder / "alive", "alone").status()));
  { const FileLock gone = *std::move(second); }
  EXPECT_EQ(probe.State(), LockState::kFree);
  EXPECT_TRUE(FileLock::Acquire(folder / "alive", "alone").ok());
}

TEST(FileLockTest, AProbeHoldsNothingAndNeedsNoDescriptorLater) {
  testing::TempFolder folder;
  EXPECT_EQ(LockProbe(folder / "missing").State(), LockState::kUnknown);
  const LockProbe early(folder / "alive");
  const auto lock = FileLock::AcquireShared(folder / "alive", "holder");
  EXPECT_EQ(early.State(), LockState::kUnknown) << "there was no file";
  const LockProbe probe(folder / "alive");
  std::filesystem::remove(folder / "alive");
  EXPECT_EQ(probe.State(), LockState::kHeld) << "of a file that has no name any more";
  const auto result = testing::RunChild([&] {
    const rlimit none = {0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0 || probe.State() != LockState::kHeld) ::_exit(1);
  });
  EXPECT_TRUE(result.ExitedWith(0));
}

TEST(FileLockTest, KnowsWhoHasTheFileOpen) {
  testing::TempFolder folder;
  std::ofstream(folder / "alive") << "";
  std::ofstream(folder / "other") << "";
  const auto lock = FileLock::AcquireShared(folder / "other", "this process");
  EXPECT_TRUE(LockProbe(folder / "other").IsOpenIn(::getpid()));
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 3; fd < 64; ++fd) ::close(fd);
    for (;;) ::pause();
  }
  const LockProbe probe(folder / "other");
  while (probe.IsOpenIn(child)) ::usleep(1000);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(probe.IsOpenIn(child));
}

// Those that inherited a share too, and none that only has the file open.
TEST(FileLockTest, KnowsItsHolders) {
  testing::TempFolder folder;
  auto lock = FileLock::AcquireShared(folder / "alive", "this process");
  ASSERT_TRUE(lock.ok());
  const auto start = [&](int kept) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    for (int fd = 3; fd < 64; ++fd) {
      if (fd != kept) ::close(fd);
    }
    for (;;) ::pause();
  };
  const int open_only = ::open((folder / "alive").c_str(), O_RDONLY);
  const pid_t heir = start(lock->descriptor()), reader = start(open_only);
  ::close(open_only);
  const LockProbe probe(folder / "alive");
  while (probe.Holders() != std::vector<pid_t>{heir}) ::usleep(1000);
  EXPECT_TRUE(probe.IsOpenIn(reader));
  for (const pid_t child : {heir, reader}) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  EXPECT_THAT(probe.Holders(), ::testing::IsEmpty());
}

TEST(FileLockTest, AFileSystemWithoutLocksIsNamedAsThat) {
  testing::TempFolder folder;
  for (const int error : {ENOSYS, EOPNOTSUPP, ENOLCK}) {
    const auto result = testing::RunChild([&] {
      if (!testing::DenySystemCall(SYS_flock, error) || !testing::DenySystemCall(SYS_fcntl, error)) ::_exit(77);
      if (!absl::IsUnimplemented(FileLock::Acquire(folder / "lock", "a").status())) ::_exit(1);
      if (!absl::IsUnimplemented(FileLock::AcquireShared(folder / "lock", "a").status())) ::_exit(2);
      if (LockProbe(folder / "lock").State() != LockState::kUnknown) ::_exit(3);
    });
    if (result.ExitedWith(77)) GTEST_SKIP() << "no system call can be denied here";
    EXPECT_TRUE(result.ExitedWith(0)) << result.status;
  }
}

TEST(FileLockTest, WithoutFlockTheOtherKindOfLockIsTaken) {
  testing::TempFolder folder;
  const auto result = testing::RunChild([&] {
    if (!testing::DenySystemCall(SYS_flock, ENOSYS)) ::_exit(77);
    {
      const auto holder = FileLock::AcquireShared(folder / "lock", "a");
      if (!holder.ok() || LockProbe(folder / "lock").State() != LockState::kHeld) ::_exit(1);
      if (!absl::IsFailedPrecondition(FileLock::Acquire(folder / "lock", "b").status())) ::_exit(2);
    }
    if (LockProbe(folder / "lock").State() != LockState::kFree || !FileLock::Acquire(folder / "lock", "b").ok()) ::_exit(3);
  });
  if (result.ExitedWith(77)) GTEST_SKIP() << "no system call can be denied here";
  EXPECT_TRUE(result.ExitedWith(0)) << result.status;
}

TEST(FileLockTest, NamesAPathThatCannotBeMade) {
  auto lock = FileLock::Acquire("/no/such/folder/lock", "me");
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("/no/such/folder/lock"));
}

}  // namespace
}  // namespace deit::files
