#include "coordinator/supervise/attempt_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "coordinator/guardian/guardian.h"
#include "tests/support/started_run.h"

namespace deit::supervise {
namespace {

constexpr char kJob[] = "7f3a0001";

// Attempts whose launcher is a shell. This program is its own guardian: see main below.
class AttemptProcessTest : public ::testing::Test {
 protected:
  AttemptProcessTest() { ::setenv("TMPDIR", temp_.path().c_str(), 1); }
  ~AttemptProcessTest() override {
    if (attempt_) {
      attempt_->ForceKill({}).IgnoreError();
      AwaitEnd();
    }
    ::unsetenv("TMPDIR");
  }

  void Launch(const std::string& script) {
    launch::Command command;
    command.words = {"sh", "-c", script};
    auto launched = AttemptProcess::Launch(run_, kJob, 1, command, AttemptTemporaryFolder(kJob, 1));
    ASSERT_TRUE(launched.ok()) << launched.status();
    attempt_ = *std::move(launched);
  }

  static void Nap() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

  v1::GuardianRecord AwaitLauncher() {
    for (;; Nap()) {
      const auto record = json::ReadAttemptFile<v1::GuardianRecord>(files::FileSystem::Posix(), run_.Guardian(1), 1);
      if (record.ok() && record->has_launcher()) return *record;
    }
  }

  void AwaitFile(const std::string& path) {
    while (!std::filesystem::exists(path)) Nap();
  }

  void AwaitEnd() {
    while (attempt_->Lives({})) Nap();
  }

  testing::StartedRun started_;
  const testing::TempFolder& temp_ = started_.temp();
  const run::RunFolder& run_ = started_.folder();
  std::optional<AttemptProcess> attempt_;
};

TEST_F(AttemptProcessTest, LivesFromItsLaunchToItsExitFile) {
  Launch("exit 75");
  AwaitEnd();
  ASSERT_TRUE(attempt_->Exit());
  EXPECT_EQ(attempt_->Exit()->exit_code(), 75);
}

TEST_F(AttemptProcessTest, IsKilledByItsGuardian) {
  Launch("sleep 60");
  AwaitLauncher();
  ASSERT_TRUE(attempt_->Kill({}).ok());
  AwaitEnd();
  ASSERT_TRUE(attempt_->Exit());
  EXPECT_TRUE(attempt_->Exit()->asked_to_kill());
}

TEST_F(AttemptProcessTest, IsKilledThoughItsGuardianDoesNotListen) {
  Launch("sleep 60");
  const v1::GuardianRecord record = AwaitLauncher();
  ASSERT_EQ(::kill(static_cast<pid_t>(record.guardian().pid()), SIGSTOP), 0);
  EXPECT_TRUE(attempt_->Kill({}).ok());
  EXPECT_TRUE(attempt_->Lives({})) << "it was told, and does not listen";
  EXPECT_TRUE(attempt_->ForceKill({}).ok());
  AwaitEnd();
  EXPECT_FALSE(attempt_->Exit()) << "the guardian was killed too";
  EXPECT_EQ(process::LifeOf(record.launcher()), process::Life::kDead);
}

TEST_F(AttemptProcessTest, LeavesNothingOfAKilledGuardian) {
  Launch("sleep 60");
  const v1::GuardianRecord record = AwaitLauncher();
  AwaitFile(AttemptTemporaryFolder(kJob, 1));
  ASSERT_EQ(::kill(static_cast<pid_t>(record.guardian().pid()), SIGKILL), 0);
  AwaitEnd();
  EXPECT_EQ(process::LifeOf(record.launcher()), process::Life::kDead);
  EXPECT_FALSE(std::filesystem::exists(AttemptTemporaryFolder(kJob, 1)));
}

TEST_F(AttemptProcessTest, LivesAlsoWhereNoDescriptorIsLeftToLookAtIt) {
  Launch("sleep 60");
  AwaitLauncher();
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool lives = attempt_->Lives({});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(lives);
}

TEST_F(AttemptProcessTest, InheritsNoDescriptorOfTheOwnersParents) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);  // not closed on exec: of a shell, or of a service that waits for its end
  const std::string listed = temp_ / "listed";
  Launch("ls -l /proc/$$/fd > " + listed + ".part; mv " + listed + ".part " + listed + "; sleep 60");
  AwaitFile(listed);
  std::stringstream text;
  text << std::ifstream(listed).rdbuf();
  EXPECT_THAT(text.str(), ::testing::Not(::testing::HasSubstr("pipe:")));
  EXPECT_THAT(text.str(), ::testing::HasSubstr(run_.Alive(1)));
  ::close(pipe[0]), ::close(pipe[1]);
}

TEST(AttemptTemporaryFolderTest, IsComputed) {
  ::setenv("TMPDIR", "/scratch", 1);
  EXPECT_EQ(AttemptTemporaryFolder("7f3a0001", 2), absl::StrCat("/scratch/deit-", ::getuid(), "-7f3a0001-2"));
  ::setenv("TMPDIR", "relative", 1);
  EXPECT_EQ(AttemptTemporaryFolder("7f3a0001", 2), absl::StrCat("/tmp/deit-", ::getuid(), "-7f3a0001-2"));
  ::unsetenv("TMPDIR");
}

// A run folder from another user, or one that a group can write to.
TEST_F(AttemptProcessTest, SignalsNoProcessThatOnlyAFileNames) {
  const pid_t victim = ::fork();
  if (victim == 0) {
    for (;;) ::pause();
  }
  v1::GuardianRecord forged;
  forged.set_attempt(1);
  *forged.mutable_guardian() = *process::IdentityOf(victim);
  *forged.mutable_launcher() = *process::IdentityOf(victim);
  ASSERT_TRUE(json::WriteJsonFile(files::FileSystem::Posix(), run_.Guardian(1), forged).ok());
  AttemptProcess adopted = AttemptProcess::Adopt(run_, kJob, 1);
  EXPECT_FALSE(adopted.Stop().ok());
  adopted.Kill({}).IgnoreError();
  EXPECT_FALSE(adopted.Lives({}));
  EXPECT_EQ(::waitpid(victim, nullptr, WNOHANG), 0) << "it still lives";
  ::kill(victim, SIGKILL);
  ::waitpid(victim, nullptr, 0);
}

}  // namespace
}  // namespace deit::supervise

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "guardian") {
    return deit::guardian::RunGuardian(deit::run::RunFolder(argv[2]), std::atoi(argv[3])).ok() ? 0 : 1;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
