#include "common/files/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

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

TEST(FileLockTest, NamesAPathThatCannotBeMade) {
  auto lock = FileLock::Acquire("/no/such/folder/lock", "me");
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("/no/such/folder/lock"));
}

}  // namespace
}  // namespace deit::files
