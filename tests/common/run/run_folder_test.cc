#include "common/run/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/base/exit_code.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_folder.h"

namespace deit::run {
namespace {

using ::testing::HasSubstr;

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

TEST(RunFolderTest, LiesAsPromised) {
  const RunFolder folder("runs/x");
  EXPECT_EQ(folder.Config(), "runs/x/config.textproto");
  EXPECT_EQ(folder.Metrics(), "runs/x/metrics.jsonl");
  EXPECT_EQ(folder.Result(1), "runs/x/logs/attempt_1/result.json");
  EXPECT_EQ(folder.Error(2, 3), "runs/x/logs/attempt_2/worker_3/error.json");
  EXPECT_EQ(folder.Stdout(2, 3), "runs/x/logs/attempt_2/worker_3/stdout.log");
}

TEST(RunFolderTest, IsMadeWithItsParentsAndMayExist) {
  testing::TempFolder temp;
  const RunFolder folder(temp / "a/b/c");
  ASSERT_TRUE(MakeRunFolder(Fs(), folder).ok());
  ASSERT_TRUE(MakeRunFolder(Fs(), folder).ok());
  EXPECT_TRUE(std::filesystem::is_directory(folder.TensorBoard()));
}

TEST(RunFolderTest, AnUnwritableOneEndsWith73) {
  testing::TempFolder temp;
  std::ofstream(temp / "file") << "x";
  for (const std::string& path : {temp / "file/run", std::string("/proc/run")}) {
    const RunFolder folder(path);
    const Status status = MakeRunFolder(Fs(), folder);
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kRunFolder) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("run_dir: " + path));
    EXPECT_NE(HintOf(status), "");
    EXPECT_EQ(ExitCodeOf(LockRunFolder(folder).status()), ExitCode::kRunFolder);
    EXPECT_EQ(ExitCodeOf(StartAttempt(Fs(), folder).status()), ExitCode::kRunFolder);
  }
}

TEST(RunFolderTest, AttemptsCountOnFromTheHighest) {
  testing::TempFolder temp;
  const RunFolder folder(temp / "run");
  ASSERT_TRUE(MakeRunFolder(Fs(), folder).ok());
  EXPECT_EQ(StartAttempt(Fs(), folder).value(), 1);
  EXPECT_EQ(StartAttempt(Fs(), folder).value(), 2);
  std::filesystem::create_directory(folder.Logs() + "/attempt_10");
  std::filesystem::create_directory(folder.Logs() + "/attempt_x");
  EXPECT_EQ(StartAttempt(Fs(), folder).value(), 11);
  ASSERT_TRUE(MakeWorkerFolder(Fs(), folder, 11, 0).ok());
  EXPECT_TRUE(std::filesystem::is_directory(folder.Worker(11, 0)));
}

TEST(RunLockTest, AnotherProcessIsRefusedAndToldWhoHoldsIt) {
  testing::TempFolder temp;
  const RunFolder folder(temp / "run");
  ASSERT_TRUE(MakeRunFolder(Fs(), folder).ok());
  const auto held = LockRunFolder(folder);
  ASSERT_TRUE(held.ok()) << held.status();
  const auto child = testing::RunChild([&] {
    const Status status = LockRunFolder(folder).status();
    const std::string text = absl::StrCat(static_cast<int>(ExitCodeOf(status)), " ", status.message(), " hint: ", HintOf(status));
    [[maybe_unused]] const auto n = ::write(STDOUT_FILENO, text.data(), text.size());
  });
  EXPECT_THAT(child.out, ::testing::StartsWith("73 run_dir: " + folder.path()));
  EXPECT_THAT(child.out, HasSubstr(absl::StrCat("process ", getpid(), " on ")));
  EXPECT_THAT(child.out, HasSubstr("hint: wait for that run"));
}

TEST(RunLockTest, EndsWithItsHolderHoweverThatDies) {
  testing::TempFolder temp;
  const RunFolder folder(temp / "run");
  ASSERT_TRUE(MakeRunFolder(Fs(), folder).ok());
  const auto child = testing::RunChild([&] {
    const auto lock = LockRunFolder(folder);
    if (!lock.ok()) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  });
  EXPECT_TRUE(child.KilledBy(SIGKILL));
  EXPECT_TRUE(LockRunFolder(folder).ok());
}

}  // namespace
}  // namespace deit::run
