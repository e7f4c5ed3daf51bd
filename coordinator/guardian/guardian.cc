#include "coordinator/guardian/guardian.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/unix_time.h"
#include "common/files/operations.h"
#include "common/json/json_file.h"
#include "common/process/children.h"
#include "common/process/identity.h"
#include "common/process/process_folder.h"
#include "proto/job.pb.h"

namespace deit::guardian {
namespace {

constexpr int kCannotStart = 127;  // as a shell says it
constexpr absl::Duration kKillLimit = absl::Seconds(30);

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

// proc(5): how often the kernel killed for want of memory, since boot.
int64_t OutOfMemoryKills() {
  std::ifstream file("/proc/vmstat");
  std::string word;
  while (file >> word) {
    int64_t count = 0;
    if (word == "oom_kill" && file >> count) return count;
  }
  return 0;
}

Status Redirect(const std::string& path, int fd) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || ::dup2(file, fd) < 0) return absl::ErrnoToStatus(errno, path);
  ::close(file);
  return absl::OkStatus();
}

// Input from nowhere, output to the attempt's logs.
Status RedirectOutput(const run::RunFolder& folder, int attempt) {
  const int nowhere = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nowhere >= 0) {
    ::dup2(nowhere, STDIN_FILENO);
    ::close(nowhere);
  }
  DEIT_RETURN_IF_ERROR(Redirect(folder.LauncherStdout(attempt), STDOUT_FILENO));
  return Redirect(folder.LauncherStderr(attempt), STDERR_FILENO);
}

// Waits until the owner, which has recorded this guardian by then, lets it begin. If it is killed before, its end of the pipe is closed, and no process would
// know of what we started.
bool AwaitOwner() {
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) == 1;
}

// Signals that RunGuardian waits for; the launcher gets none of them blocked.
sigset_t AwaitedSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGUSR1, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

[[noreturn]] void BecomeLauncher(const std::vector<std::string>& command, int start_gate) {
  const pid_t guardian = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = 0;
  const ssize_t opened = ::read(start_gate, &byte, 1);  // until the guardian has written who we are
  if (opened != 1 || ::getppid() != guardian) ::_exit(kCannotStart);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  LogError(absl::StrCat(command[0], ": cannot start: ", std::strerror(errno)));
  ::_exit(kCannotStart);
}

// Forks the launcher, which starts once guardian.json says who it is.
StatusOr<pid_t> StartLauncher(const run::RunFolder& folder, v1::GuardianRecord* record) {
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const pid_t launcher = ::fork();
  if (launcher < 0) return absl::ErrnoToStatus(errno, "fork");
  if (launcher == 0) {
    ::close(gate[1]);
    BecomeLauncher({record->command().begin(), record->command().end()}, gate[0]);
  }
  ::close(gate[0]);
  DEIT_ASSIGN_OR_RETURN(*record->mutable_launcher(), process::IdentityOf(launcher));
  *record->mutable_guardian() = process::Self();
  record->set_time(UnixSeconds(absl::Now()));
  const Status written = json::ReplaceJsonFile(Fs(), folder.Guardian(record->attempt()), *record);
  if (written.ok() && ::write(gate[1], "!", 1) != 1) LogWarning("the launcher ended before it began");
  ::close(gate[1]);
  return written.ok() ? StatusOr<pid_t>(launcher) : written;
}

// Until the launcher has ended; its status as waitpid(2) gives it. Reaps every other orphan on the way.
int AwaitLauncher(pid_t launcher, v1::LauncherExit* end) {
  const sigset_t signals = AwaitedSignals();
  for (;;) {
    siginfo_t info = {};
    switch (::sigwaitinfo(&signals, &info)) {
      case SIGUSR1: ::kill(launcher, SIGUSR1); break;
      case SIGTERM:
        end->set_asked_to_kill(true);
        ::kill(launcher, SIGKILL);
        break;
      default: break;  // a child, or a signal that this process was spared so far
    }
    int status = 0;
    for (pid_t child; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (child == launcher) return status;
    }
  }
}

void Sweep(const std::string& temporary_folder) {
  constexpr const char* kSharedMemory = "/dev/shm";
  const Status removed = files::RemoveTree(Fs(), temporary_folder, files::ParentOf(temporary_folder));
  if (!removed.ok()) LogWarning(removed.message());
  process::SweepDeadFolders(kSharedMemory, "");
}

}  // namespace

Status RunGuardian(const run::RunFolder& folder, int attempt) {
  if (!AwaitOwner()) return absl::CancelledError("guardian: its owner was killed before anything began");
  DEIT_ASSIGN_OR_RETURN(auto record, json::ReadAttemptFile<v1::GuardianRecord>(Fs(), folder.Guardian(attempt), attempt));
  if (record.command().empty()) return absl::InvalidArgumentError(absl::StrCat(folder.Guardian(attempt), ": names no command"));
  DEIT_RETURN_IF_ERROR(RedirectOutput(folder, attempt));
  process::AdoptOrphans();
  const sigset_t signals = AwaitedSignals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  DEIT_RETURN_IF_ERROR(files::CreateFolders(Fs(), record.temporary_folder()));

  const int64_t memory_kills = OutOfMemoryKills();
  DEIT_ASSIGN_OR_RETURN(const pid_t launcher, StartLauncher(folder, &record));
  v1::LauncherExit end;
  end.set_attempt(attempt);
  const int status = AwaitLauncher(launcher, &end);
  end.set_time(UnixSeconds(absl::Now()));
  if (WIFSIGNALED(status)) end.set_signal(WTERMSIG(status));
  else end.set_exit_code(WEXITSTATUS(status));
  end.set_swept(process::KillChildren(kKillLimit));
  end.set_out_of_memory_kills(OutOfMemoryKills() - memory_kills);
  Sweep(record.temporary_folder());
  return json::WriteJsonFile(Fs(), folder.Exit(attempt), end);
}

}  // namespace deit::guardian
