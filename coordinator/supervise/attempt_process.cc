#include "coordinator/supervise/attempt_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/log.h"
#include "common/base/unix_time.h"
#include "common/files/errno_status.h"
#include "common/files/private_folder.h"
#include "common/job/guardian_file.h"
#include "common/json/json_file.h"
#include "common/process/children.h"
#include "common/process/identity.h"
#include "common/process/process_folder.h"
#include "coordinator/guardian/guardian.h"

namespace deit::supervise {
namespace {

using process::Life;

constexpr absl::Duration kOrphanInterval =
    absl::Seconds(1);  // between two tries to kill what a dead guardian left: they look at all of /proc

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

// The caller's environment, with `more` in place of what it has of the same names.
std::vector<std::string> Environment(const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) {
    const std::string name(*line, std::strcspn(*line, "="));
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const auto& variable) { return variable.first == name; });
    if (!replaced) lines.emplace_back(*line);
  }
  for (const auto& [name, value] : more) lines.push_back(absl::StrCat(name, "=", value));
  return lines;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In a session of its own, with default signals of which those that it waits for are blocked, and with no descriptor but `input`, our
// messages' two and `lock`: also none that our own parent left open, whose other end may wait for its last holder.
StatusOr<pid_t> SpawnDetached(std::vector<std::string> words, std::vector<std::string> environment, int input, int lock) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all;
  ::sigfillset(&all);
  const sigset_t blocked = guardian::AwaitedSignals();
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &blocked);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, lock, guardian::kLockDescriptor);
  ::posix_spawn_file_actions_addclosefrom_np(&files, guardian::kLockDescriptor + 1);
  pid_t pid = 0;
  const int code = ::posix_spawn(&pid, "/proc/self/exe", &files, &attributes, Pointers(words).data(), Pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0) return files::ErrnoStatus("cannot start", "guardian", code);
  return pid;
}

// "NAME=value" each; empty when the process is gone.
std::vector<std::string> EnvironmentOf(pid_t pid) {
  std::vector<std::string> environment;
  std::ifstream file(absl::StrCat("/proc/", pid, "/environ"));
  for (std::string variable; std::getline(file, variable, '\0');) environment.push_back(variable);
  return environment;
}

}  // namespace

std::string AttemptTemporaryFolder(const std::string& job, int attempt) {
  const char* base = std::getenv("TMPDIR");
  return absl::StrCat(base != nullptr && *base == '/' ? base : "/tmp", "/deit-", ::getuid(), "-", job, "-", attempt);
}

StatusOr<AttemptProcess> AttemptProcess::Launch(const run::RunFolder& folder, const std::string& job, int attempt,
                                                const launch::Command& command, const std::string& temporary_folder) {
  // Ours until the guardian has its share.
  DEIT_ASSIGN_OR_RETURN(const job::AttemptLock lock, job::AttemptLock::Hold(folder, job, attempt));
  AttemptProcess process(folder, job, attempt);
  v1::GuardianOrder order;
  order.set_job(job);
  order.set_attempt(attempt);
  for (const std::string& word : command.words) order.add_command(word);
  order.set_temporary_folder(temporary_folder);
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) return files::ErrnoStatus("cannot make a pipe", "guardian", errno);
  const absl::Cleanup close_gate = [&gate] { ::close(gate[0]), ::close(gate[1]); };
  DEIT_ASSIGN_OR_RETURN(const pid_t guardian, SpawnDetached({"deit-coord", "guardian", folder.path(), absl::StrCat(attempt)},
                                                            Environment(command.environment), gate[0], lock.descriptor()));
  v1::GuardianRecord& record = process.record_;
  record.set_attempt(attempt);
  record.set_time(UnixSeconds(absl::Now()));
  DEIT_ASSIGN_OR_RETURN(*record.mutable_guardian(), process::IdentityOf(guardian));
  // Nothing starts before its guardian is on record: were we killed in between, the next owner could not know of it.
  DEIT_RETURN_IF_ERROR(job::WriteGuardian(Fs(), folder, job, &record));
  DEIT_RETURN_IF_ERROR(guardian::SendOrder(gate[1], order));
  return process;
}

AttemptProcess AttemptProcess::Adopt(const run::RunFolder& folder, const std::string& job, int attempt) {
  AttemptProcess process(folder, job, attempt);
  process.ReadRecord();
  return process;
}

// The launcher's identity is the guardian's to write. What is no member of the attempt, or is none any more, is as good as not named.
void AttemptProcess::ReadRecord() {
  const auto record = job::ReadGuardian(Fs(), folder_, job_, attempt_);
  if (!record.ok()) return;
  if (!record_.has_guardian() && lock_.IsMember(record->guardian())) *record_.mutable_guardian() = record->guardian();
  if (!record_.has_launcher() && lock_.IsMember(record->launcher())) *record_.mutable_launcher() = record->launcher();
}

Status AttemptProcess::Stop() { return process::Signal(record_.guardian(), SIGUSR1); }

Status AttemptProcess::Kill(const std::vector<v1::ProcessIdentity>& workers) {
  Status told = process::Signal(record_.guardian(), guardian::KillSignal());
  return absl::IsNotFound(told) ? ForceKill(workers) : told;
}

// Workers first: without their launcher they would have a moment to go on by themselves.
Status AttemptProcess::ForceKill(const std::vector<v1::ProcessIdentity>& workers) {
  ReadRecord();
  std::vector<v1::ProcessIdentity> all = workers;
  if (process::LifeOf(record_.launcher()) == Life::kAlive) {  // those that have not spoken yet are known to it
    for (const pid_t child : process::ChildrenOf(static_cast<pid_t>(record_.launcher().pid()))) {
      if (auto identity = process::IdentityOf(child); identity.ok()) all.push_back(*std::move(identity));
    }
  }
  for (v1::ProcessIdentity& member : lock_.Members()) all.push_back(std::move(member));  // also those that no record names
  all.push_back(record_.launcher());
  all.push_back(record_.guardian());
  Status first;
  for (const v1::ProcessIdentity& one : all) {
    if (one.pid() == 0) continue;
    const Status sent = process::Signal(one, SIGKILL);
    if (first.ok() && !absl::IsNotFound(sent)) first = sent;
  }
  return first;
}

bool AttemptProcess::Lives(const std::vector<v1::ProcessIdentity>& workers) {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  if (Exit()) return false;
  const Life guardian = process::LifeOf(record_.guardian());
  if (guardian == Life::kAlive) return true;
  const files::LockState lock = lock_.State();
  if (Exit()) return false;  // it was written between the two looks
  if (guardian == Life::kDead) KillOrphans(workers);
  if (lock == files::LockState::kHeld) return true;
  if (lock == files::LockState::kUnknown) {
    bool lives = guardian != Life::kDead || process::LifeOf(record_.launcher()) != Life::kDead;
    for (const v1::ProcessIdentity& worker : workers) lives = lives || process::LifeOf(worker) != Life::kDead;
    if (lives) return true;
  }
  Sweep();
  return false;
}

void AttemptProcess::KillOrphans(const std::vector<v1::ProcessIdentity>& workers) {
  const absl::Duration now = Clock::System().Elapsed();
  if (now - orphans_killed_ < kOrphanInterval) return;
  orphans_killed_ = now;
  ForceKill(workers).IgnoreError();  // the next look tells what came of it
}

void AttemptProcess::Sweep() const {
  const Status removed = files::RemovePrivateFolder(AttemptTemporaryFolder(job_, attempt_));
  if (!removed.ok()) LogWarning(removed.message());
  process::SweepDeadFolders("/dev/shm", "");
}

std::optional<int> AttemptProcess::StoppedWorker(const launch::Launcher& launcher) {
  ReadRecord();
  if (process::LifeOf(record_.launcher()) != Life::kAlive) return std::nullopt;
  for (const pid_t child : process::ChildrenOf(static_cast<pid_t>(record_.launcher().pid()))) {
    const auto identity = process::IdentityOf(child);
    if (!identity.ok() || !process::IsStopped(*identity)) continue;
    if (const auto worker = launcher.RankOf(EnvironmentOf(child))) return worker;
  }
  return std::nullopt;
}

std::optional<v1::LauncherExit> AttemptProcess::Exit() const {
  auto exit = json::ReadAttemptFile<v1::LauncherExit>(Fs(), folder_.Exit(attempt_), attempt_);
  return exit.ok() ? std::optional<v1::LauncherExit>(*std::move(exit)) : std::nullopt;
}

}  // namespace deit::supervise
