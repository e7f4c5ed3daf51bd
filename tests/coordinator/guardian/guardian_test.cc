#include "coordinator/guardian/guardian.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/job/attempt_lock.h"
#include "common/json/json_file.h"
#include "tests/support/started_run.h"

namespace deit::guardian {
namespace {

using files::LockState;
using ::testing::HasSubstr;

constexpr char kJob[] = "7f3a0001";

// A guardian in a process of its own, whose launcher is a shell.
class GuardianTest : public ::testing::Test {
 protected:
  GuardianTest() {
    order_.set_job(kJob);
    order_.set_attempt(1);
    order_.set_temporary_folder(temp_ / "tmp");
  }
  ~GuardianTest() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  // As the owner does: with the lock at its place and the awaited signals blocked.
  void Start() {
    auto lock = job::AttemptLock::Hold(run_, kJob, 1);
    ASSERT_TRUE(lock.ok()) << lock.status();
    int gate[2];
    ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const sigset_t signals = AwaitedSignals();
      ::sigprocmask(SIG_BLOCK, &signals, nullptr);
      ::dup2(gate[0], STDIN_FILENO);
      ::close(gate[0]), ::close(gate[1]);
      const int share = ::fcntl(lock->descriptor(), F_DUPFD, 100);
      ::dup2(share, kLockDescriptor);
      for (int fd = kLockDescriptor + 1; fd < 256; ++fd) ::close(fd);
      ::_exit(RunGuardian(run_, 1).ok() ? 0 : 1);
    }
    ::close(gate[0]);
    gate_ = gate[1];
  }

  void Begin(const std::vector<std::string>& command) {
    for (const std::string& word : command) order_.add_command(word);
    Start();
    ASSERT_TRUE(SendOrder(gate_, order_).ok());
    ::close(gate_);
  }

  // By the test's own limit: a guardian that hangs is a failure of the test.
  void AwaitFile(const std::string& path) {
    for (int i = 0; i < 3000 && !std::filesystem::exists(path); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(std::filesystem::exists(path)) << path;
  }

  v1::LauncherExit End() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    auto end = json::ReadAttemptFile<v1::LauncherExit>(files::FileSystem::Posix(), run_.Exit(1), 1);
    EXPECT_TRUE(end.ok()) << end.status();
    return end.ok() ? *end : v1::LauncherExit();
  }

  std::string Stderr() {
    std::stringstream text;
    text << std::ifstream(run_.LauncherStderr(1)).rdbuf();
    return text.str();
  }

  testing::StartedRun started_;
  const testing::TempFolder& temp_ = started_.temp();
  const run::RunFolder& run_ = started_.folder();
  v1::GuardianOrder order_;
  pid_t pid_ = -1;
  int gate_ = -1;
};

TEST_F(GuardianTest, StartsWhatItIsToldAndRecordsTheEnd) {
  Begin({"sh", "-c", "echo said >&2; exit 75"});
  const v1::LauncherExit end = End();
  EXPECT_EQ(end.exit_code(), 75);
  EXPECT_FALSE(end.has_signal() || end.asked_to_kill());
  EXPECT_EQ(end.error(), "");
  EXPECT_EQ(Stderr(), "said\n");
  EXPECT_FALSE(std::filesystem::exists(temp_ / "tmp"));
  EXPECT_EQ(job::AttemptLockProbe(run_, kJob, 1).State(), LockState::kFree);
}

TEST_F(GuardianTest, WithoutAnOrderNothingBegins) {
  Start();
  ::close(gate_);  // the owner was killed
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_FALSE(std::filesystem::exists(run_.Exit(1)));
  EXPECT_FALSE(std::filesystem::exists(run_.Guardian(1)));
}

TEST_F(GuardianTest, ALauncherThatCannotBeStartedIsSaidToBeThat) {
  Begin({"/no/such/mpirun"});
  const v1::LauncherExit end = End();
  EXPECT_EQ(end.error(), "/no/such/mpirun: cannot start: no such file or directory");
  EXPECT_FALSE(end.has_exit_code() || end.has_signal());
}

TEST_F(GuardianTest, ATemporaryFolderThatCannotBeMadeIsTheCause) {
  order_.set_temporary_folder("/proc/nope/tmp");
  Begin({"true"});
  EXPECT_THAT(End().error(), HasSubstr("/proc/nope/tmp: cannot create folder"));
}

TEST_F(GuardianTest, AnothersTemporaryFolderIsNotUsed) {
  std::filesystem::create_directory(temp_ / "tmp");
  std::filesystem::permissions(temp_ / "tmp", std::filesystem::perms::all);
  std::ofstream(temp_ / "tmp/file") << "";
  Begin({"true"});
  EXPECT_THAT(End().error(), HasSubstr("other users have rights in it"));
}

// A launcher that passes SIGUSR1 on, and a worker that knows that signal only after a while.
constexpr char kLauncher[] = R"(
python3 -c 'import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_SETMASK, [])
open(sys.argv[1] + "/ready", "w").close()
time.sleep(0.3)
def save(number, frame):
  open(sys.argv[1] + "/saved", "w").close()
  os._exit(75)
signal.signal(signal.SIGUSR1, save)
while True: signal.pause()' "$0" & worker=$!
trap 'kill -USR1 $worker' USR1
wait $worker; code=$?
[ $code = 138 ] && { wait $worker; code=$?; }  # the first one ended with the trap
exit $code)";

// What Slurm, systemd and a machine's shutdown send to all processes means: save and stop. And it is passed on only to those that do not
// die of it.
TEST_F(GuardianTest, SigtermIsNoOrderToKill) {
  Begin({"bash", "-c", kLauncher, temp_.path()});
  AwaitFile(temp_ / "ready");
  ::kill(pid_, SIGTERM);
  const v1::LauncherExit end = End();
  EXPECT_EQ(end.exit_code(), 75);
  EXPECT_FALSE(end.asked_to_kill());
  EXPECT_TRUE(std::filesystem::exists(temp_ / "saved"));
}

TEST_F(GuardianTest, TheLauncherHoldsTheLockAndCannotBeTerminatedByStrangers) {
  Begin({"sleep", "60"});
  AwaitFile(run_.Guardian(1));
  const auto record = json::ReadAttemptFile<v1::GuardianRecord>(files::FileSystem::Posix(), run_.Guardian(1), 1);
  ASSERT_TRUE(record.ok()) << record.status();
  const std::string launcher = absl::StrCat("/proc/", record->launcher().pid());
  std::error_code error;
  for (int i = 0; i < 3000 && std::filesystem::read_symlink(launcher + "/exe", error).filename() != "sleep"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(std::filesystem::read_symlink(launcher + "/fd/3", error), run_.Alive(1));
  std::stringstream status;
  status << std::ifstream(launcher + "/status").rdbuf();
  EXPECT_THAT(status.str(), HasSubstr("SigBlk:\t0000000000004003")) << "SIGHUP 1, SIGINT 2, SIGTERM 15";
  EXPECT_EQ(job::AttemptLockProbe(run_, kJob, 1).State(), LockState::kHeld);
  ::kill(pid_, SIGTERM);  // no order to kill
  ::kill(pid_, KillSignal());
  const v1::LauncherExit end = End();
  EXPECT_TRUE(end.asked_to_kill());
  EXPECT_EQ(end.signal(), SIGKILL);
  EXPECT_EQ(job::AttemptLockProbe(run_, kJob, 1).State(), LockState::kFree);
}

}  // namespace
}  // namespace deit::guardian
