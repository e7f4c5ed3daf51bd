#include "coordinator/supervise/attempt_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/files/operations.h"
#include "common/json/json_file.h"
#include "common/process/children.h"
#include "common/process/identity.h"
#include "common/process/process_folder.h"

namespace deit::supervise {
namespace {

using process::Life;

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

// In a session of its own, with default signals, and with no descriptor of ours (all are closed on exec) but `input`.
StatusOr<pid_t> SpawnDetached(std::vector<std::string> words, std::vector<std::string> environment, int input) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  pid_t pid = 0;
  const int code = ::posix_spawn(&pid, "/proc/self/exe", &files, &attributes, Pointers(words).data(), Pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0) return absl::ErrnoToStatus(code, "guardian");
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

StatusOr<AttemptProcess> AttemptProcess::Launch(const run::RunFolder& folder, int attempt, const launch::Command& command,
                                                const std::string& temporary_folder) {
  AttemptProcess process(folder, attempt);
  v1::GuardianRecord& record = process.record_;
  record.set_attempt(attempt);
  for (const std::string& word : command.words) record.add_command(word);
  record.set_temporary_folder(temporary_folder);
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const absl::Cleanup close_gate = [&gate] { ::close(gate[0]), ::close(gate[1]); };
  DEIT_ASSIGN_OR_RETURN(const pid_t guardian, SpawnDetached({"deit-coord", "guardian", folder.path(), absl::StrCat(attempt)},
                                                            Environment(command.environment), gate[0]));
  DEIT_ASSIGN_OR_RETURN(*record.mutable_guardian(), process::IdentityOf(guardian));
  // Nothing starts before its guardian is on record: were we killed in between, the next owner could not know of it.
  DEIT_RETURN_IF_ERROR(json::ReplaceJsonFile(Fs(), folder.Guardian(attempt), record));
  if (::write(gate[1], "!", 1) != 1) return absl::ErrnoToStatus(errno, "guardian");
  return process;
}

AttemptProcess AttemptProcess::Adopt(const run::RunFolder& folder, int attempt) {
  AttemptProcess process(folder, attempt);
  process.ReadRecord();
  return process;
}

// The launcher's identity is the guardian's to write.
void AttemptProcess::ReadRecord() {
  auto record = json::ReadAttemptFile<v1::GuardianRecord>(Fs(), folder_.Guardian(attempt_), attempt_);
  if (record.ok() && record->has_launcher()) record_ = *std::move(record);
}

Status AttemptProcess::Stop() { return process::Signal(record_.guardian(), SIGUSR1); }

void AttemptProcess::Kill(const std::vector<v1::ProcessIdentity>& workers) {
  if (process::Signal(record_.guardian(), SIGTERM).ok()) return;
  ReadRecord();
  process::Signal(record_.launcher(), SIGKILL).IgnoreError();
  for (const v1::ProcessIdentity& worker : workers) process::Signal(worker, SIGKILL).IgnoreError();
}

bool AttemptProcess::Lives(const std::vector<v1::ProcessIdentity>& workers) {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  if (process::LifeOf(record_.guardian()) != Life::kDead) return true;
  if (Exit()) return false;
  Kill(workers);
  bool lives = process::LifeOf(record_.launcher()) == Life::kAlive;
  for (const v1::ProcessIdentity& worker : workers) lives = lives || process::LifeOf(worker) == Life::kAlive;
  if (!lives) Sweep();
  return lives;
}

void AttemptProcess::Sweep() const {
  const std::string& folder = record_.temporary_folder();
  if (!folder.empty()) files::RemoveTree(Fs(), folder, files::ParentOf(folder)).IgnoreError();
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
