#include "coordinator/guardian/guardian.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/unix_time.h"
#include "common/files/errno_status.h"
#include "common/files/private_folder.h"
#include "common/job/attempt_lock.h"
#include "common/job/guardian_file.h"
#include "common/json/json_file.h"
#include "common/process/children.h"
#include "common/process/identity.h"
#include "common/process/process_folder.h"
#include "coordinator/guardian/memory_kills.h"

namespace deit::guardian {
namespace {

constexpr int kCannotStart = 127;  // as a shell says it
constexpr absl::Duration kKillLimit = absl::Seconds(30);
constexpr absl::Duration kWriteLimit = absl::Minutes(1);  // for exit.json on a full disk
constexpr timespec kSoon = {.tv_sec = 0, .tv_nsec = 20'000'000};
constexpr uint32_t kMaxOrder = 1 << 20;

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

Status Redirect(const std::string& path, int fd) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || ::dup2(file, fd) < 0) return files::ErrnoStatus("cannot write", path, errno);
  ::close(file);  // never `fd` itself: the standard streams are open (process::OpenStandardStreams)
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

bool ReadAll(int fd, void* into, size_t bytes) {
  char* to = static_cast<char*>(into);
  while (bytes > 0) {
    const ssize_t got = ::read(fd, to, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

// Waits for the order of the owner, which has recorded this guardian by then. If it is killed before, its end of the pipe is closed, and
// nothing would know of what we started.
StatusOr<v1::GuardianOrder> AwaitOrder(int attempt) {
  uint32_t length = 0;
  if (!ReadAll(STDIN_FILENO, &length, sizeof(length))) return absl::CancelledError("guardian: its owner was killed before anything began");
  length = ntohl(length);
  std::string text(length <= kMaxOrder ? length : 0, '\0');
  v1::GuardianOrder order;
  if (text.empty() || !ReadAll(STDIN_FILENO, text.data(), text.size()) || !order.ParseFromString(text) || order.attempt() != attempt ||
      order.command().empty()) {
    return absl::CancelledError("guardian: got no order to begin");
  }
  return order;
}

// The launcher is to be stopped by SIGUSR1 or killed: signals that are sent to all processes at once must not make it kill its workers,
// which have got them too and are saving. The mask outlives exec; Open MPI unblocks all signals in the workers.
void BlockStrangersSignals() {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&blocked, signal);
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

[[noreturn]] void BecomeLauncher(const std::vector<std::string>& command, int start_gate, int failure) {
  const pid_t guardian = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = 0;
  const ssize_t opened = ::read(start_gate, &byte, 1);  // until the guardian has written who we are
  if (opened != 1 || ::getppid() != guardian) ::_exit(kCannotStart);
  ::signal(SIGPIPE, SIG_DFL);
  BlockStrangersSignals();
  ::fcntl(kLockDescriptor, F_SETFD, 0);  // the launcher holds the attempt's lock as long as it lives
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  const int error = errno;
  if (::write(failure, &error, sizeof(error)) < 0) LogError(absl::StrCat(command[0], ": cannot start: ", std::strerror(error)));
  ::_exit(kCannotStart);
}

// Forks the launcher, which starts once guardian.json says who it is. An error: nothing was started.
StatusOr<pid_t> StartLauncher(const run::RunFolder& folder, const v1::GuardianOrder& order) {
  int gate[2], failure[2];  // the second is closed by a successful exec
  if (::pipe2(gate, O_CLOEXEC) != 0) return files::ErrnoStatus("cannot make a pipe", "launcher", errno);
  const absl::Cleanup close_gate = [&gate] { ::close(gate[0]), ::close(gate[1]); };
  if (::pipe2(failure, O_CLOEXEC) != 0) return files::ErrnoStatus("cannot make a pipe", "launcher", errno);
  const absl::Cleanup close_failure = [&failure] { ::close(failure[0]); };
  const pid_t launcher = ::fork();
  if (launcher < 0) {
    const int error = errno;
    ::close(failure[1]);
    return files::ErrnoStatus("cannot start a process", "launcher", error);
  }
  if (launcher == 0) {
    ::close(gate[1]);
    BecomeLauncher({order.command().begin(), order.command().end()}, gate[0], failure[1]);
  }
  ::close(failure[1]);
  v1::GuardianRecord record;
  record.set_attempt(order.attempt());
  record.set_time(UnixSeconds(absl::Now()));
  *record.mutable_guardian() = process::Self();
  auto identity = process::IdentityOf(launcher);
  if (identity.ok()) *record.mutable_launcher() = *identity;
  Status started = identity.ok() ? job::WriteGuardian(Fs(), folder, order.job(), &record) : identity.status();
  if (started.ok() && ::write(gate[1], "!", 1) != 1) started = absl::InternalError("launcher: was killed before it began");
  int error = 0;
  if (started.ok() && ReadAll(failure[0], &error, sizeof(error))) started = files::ErrnoStatus("cannot start", order.command(0), error);
  if (started.ok()) return launcher;
  ::kill(launcher, SIGKILL);
  ::waitpid(launcher, nullptr, 0);
  return started;
}

// Whether launcher and workers have handlers for SIGUSR1: before that they would die of it. A worker is one whose program is another than
// the launcher's, which a child still has between fork and exec.
bool KnowStopSignal(pid_t launcher) {
  const auto program = [](pid_t pid) {
    char path[4096];
    const ssize_t length = ::readlink(absl::StrCat("/proc/", pid, "/exe").c_str(), path, sizeof(path));
    return std::string(path, length < 0 ? 0 : static_cast<size_t>(length));
  };
  const std::vector<pid_t> workers = process::ChildrenOf(launcher);
  if (workers.empty() || !process::Catches(launcher, SIGUSR1)) return false;
  for (const pid_t worker : workers) {
    if (!process::Catches(worker, SIGUSR1) || program(worker) == program(launcher)) return false;
  }
  return true;
}

// Until the launcher has ended; its status as waitpid(2) gives it. Reaps every other orphan on the way.
int AwaitLauncher(pid_t launcher, v1::LauncherExit* end) {
  const sigset_t signals = AwaitedSignals();
  bool stop_wanted = false;
  for (;;) {
    siginfo_t info = {};
    const int signal = stop_wanted ? ::sigtimedwait(&signals, &info, &kSoon) : ::sigwaitinfo(&signals, &info);
    if (signal == KillSignal()) {
      end->set_asked_to_kill(true);
      ::kill(launcher, SIGKILL);
    } else if (signal > 0 && signal != SIGCHLD) {
      stop_wanted = true;
    }
    if (stop_wanted && KnowStopSignal(launcher)) {
      ::kill(launcher, SIGUSR1);
      stop_wanted = false;
    }
    int status = 0;
    for (pid_t child; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (child == launcher) return status;
    }
  }
}

void Sweep(const std::string& temporary_folder) {
  constexpr const char* kSharedMemory = "/dev/shm";
  const Status removed = files::RemovePrivateFolder(temporary_folder);
  if (!removed.ok()) LogWarning(removed.message());
  process::SweepDeadFolders(kSharedMemory, "");
}

// Nothing else tells how the attempt ended: a disk that is full for a while is waited for.
Status WriteExit(const run::RunFolder& folder, const v1::LauncherExit& end) {
  const absl::Duration limit = Clock::System().Elapsed() + kWriteLimit;
  for (;;) {
    Status written = json::WriteJsonFile(Fs(), folder.Exit(end.attempt()), end);
    if (!absl::IsResourceExhausted(written) || Clock::System().Elapsed() >= limit) return written;
    Clock::System().Sleep(absl::Seconds(1));
  }
}

// From the order to the launcher's end; an error where it was never started.
Status RunLauncher(const run::RunFolder& folder, const v1::GuardianOrder& order, v1::LauncherExit* end) {
  DEIT_RETURN_IF_ERROR(RedirectOutput(folder, order.attempt()));
  process::AdoptOrphans();
  DEIT_RETURN_IF_ERROR(files::MakePrivateFolder(order.temporary_folder()));
  const int64_t memory_kills = OutOfMemoryKills();
  const auto launcher = StartLauncher(folder, order);
  if (launcher.ok()) {
    const int status = AwaitLauncher(*launcher, end);
    end->set_time(UnixSeconds(absl::Now()));
    if (WIFSIGNALED(status)) end->set_signal(WTERMSIG(status));
    else end->set_exit_code(WEXITSTATUS(status));
    end->set_swept(process::KillChildren(kKillLimit));
    end->set_out_of_memory_kills(OutOfMemoryKills() - memory_kills);
  }
  Sweep(order.temporary_folder());
  return launcher.status();
}

}  // namespace

int KillSignal() { return SIGRTMIN + 5; }

sigset_t AwaitedSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGUSR1, SIGTERM, SIGINT, SIGHUP, KillSignal()}) ::sigaddset(&signals, signal);
  return signals;
}

Status SendOrder(int pipe, const v1::GuardianOrder& order) {
  const std::string body = order.SerializeAsString();
  const uint32_t length = htonl(static_cast<uint32_t>(body.size()));
  const std::string text = std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + body;
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t wrote = ::write(pipe, text.data() + sent, text.size() - sent);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return absl::InternalError(absl::StrCat("guardian: cannot be told to begin: ", std::strerror(errno)));
    sent += static_cast<size_t>(wrote);
  }
  return absl::OkStatus();
}

Status RunGuardian(const run::RunFolder& folder, int attempt) {
  const sigset_t signals = AwaitedSignals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  DEIT_ASSIGN_OR_RETURN(const auto lock, job::AttemptLock::Adopt(folder, attempt, kLockDescriptor));
  ::fcntl(kLockDescriptor, F_SETFD, FD_CLOEXEC);
  DEIT_ASSIGN_OR_RETURN(const v1::GuardianOrder order, AwaitOrder(attempt));
  v1::LauncherExit end;
  end.set_attempt(attempt);
  const Status launched = RunLauncher(folder, order, &end);
  if (!launched.ok()) {
    end.set_time(UnixSeconds(absl::Now()));
    end.set_error(std::string(launched.message()));
  }
  const Status written = WriteExit(folder, end);
  return launched.ok() ? written : launched;
}

}  // namespace deit::guardian
