#include "common/run/run_folder.h"

#include <unistd.h>

#include <algorithm>
#include <climits>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/base/exit_code.h"
#include "common/files/operations.h"

namespace deit::run {
namespace {

constexpr char kAttemptPrefix[] = "attempt_";

Status Refused(const Status& status, const RunFolder& folder, absl::string_view hint) {
  return WithHint(WithExitCode(Annotate(status, absl::StrCat("run_dir: ", folder.path())), ExitCode::kRunFolder), hint);
}

Status Unwritable(const Status& status, const RunFolder& folder) {
  return Refused(status, folder, "set run_dir to a folder that you can write to");
}

// A folder whose parent must be there.
Status MakeOne(files::FileSystem& fs, const RunFolder& folder, const std::string& path) {
  const Status made = fs.CreateFolder(path);
  if (made.ok()) return absl::OkStatus();
  if (!absl::IsNotFound(made)) return Unwritable(made, folder);
  return Refused(made, folder, "was the folder moved or removed while its job runs? run the job again where the folder is");
}

std::string ThisProcess() {
  char host[HOST_NAME_MAX + 1] = "unknown host";
  ::gethostname(host, sizeof(host) - 1);
  return absl::StrCat("process ", getpid(), " on ", host);
}

}  // namespace

std::string RunFolder::Attempt(int attempt) const { return absl::StrCat(Logs(), "/", kAttemptPrefix, attempt); }
std::string RunFolder::Guardian(int attempt) const { return Attempt(attempt) + "/guardian.json"; }
std::string RunFolder::Alive(int attempt) const { return Attempt(attempt) + "/alive"; }
std::string RunFolder::LauncherStdout(int attempt) const { return Attempt(attempt) + "/launcher.stdout.log"; }
std::string RunFolder::LauncherStderr(int attempt) const { return Attempt(attempt) + "/launcher.stderr.log"; }
std::string RunFolder::Start(int attempt) const { return Attempt(attempt) + "/start.json"; }
std::string RunFolder::AttemptEvents(int attempt) const { return Attempt(attempt) + "/events.jsonl"; }
std::string RunFolder::Result(int attempt) const { return Attempt(attempt) + "/result.json"; }
std::string RunFolder::Exit(int attempt) const { return Attempt(attempt) + "/exit.json"; }
std::string RunFolder::Worker(int attempt, int worker) const { return absl::StrCat(Attempt(attempt), "/worker_", worker); }
std::string RunFolder::Stdout(int attempt, int worker) const { return Worker(attempt, worker) + "/stdout.log"; }
std::string RunFolder::Stderr(int attempt, int worker) const { return Worker(attempt, worker) + "/stderr.log"; }
std::string RunFolder::Error(int attempt, int worker) const { return Worker(attempt, worker) + "/error.json"; }

Status MakeRunFolder(files::FileSystem& fs, const RunFolder& folder) {
  for (const std::string& path : {folder.TensorBoard(), folder.Checkpoints(), folder.Logs()}) {
    DEIT_RETURN_IF_ERROR(Unwritable(files::CreateFolders(fs, path), folder));
  }
  return absl::OkStatus();
}

StatusOr<files::FileLock> LockRunFolder(const RunFolder& folder) {
  auto lock = files::FileLock::Acquire(folder.Lock(), ThisProcess());
  if (lock.ok()) return lock;
  if (absl::IsUnimplemented(lock.status())) return Refused(lock.status(), folder, "mount it with locks, or choose another run_dir");
  if (!absl::IsFailedPrecondition(lock.status())) return Unwritable(lock.status(), folder);
  return Refused(lock.status(), folder, "wait for that run or stop it, or choose another run_dir");
}

StatusOr<int> LastAttempt(files::FileSystem& fs, const RunFolder& folder) {
  auto names = fs.List(folder.Logs());
  if (absl::IsNotFound(names.status())) return 0;
  if (!names.ok()) return Unwritable(names.status(), folder);
  int last = 0;
  for (const std::string& name : *names) {
    absl::string_view number = name;
    int attempt = 0;
    if (absl::ConsumePrefix(&number, kAttemptPrefix) && absl::SimpleAtoi(number, &attempt)) last = std::max(last, attempt);
  }
  return last;
}

StatusOr<int> StartAttempt(files::FileSystem& fs, const RunFolder& folder) {
  DEIT_ASSIGN_OR_RETURN(const int last, LastAttempt(fs, folder));
  DEIT_RETURN_IF_ERROR(MakeOne(fs, folder, folder.Attempt(last + 1)));
  DEIT_RETURN_IF_ERROR(Unwritable(fs.SyncFolder(folder.Logs()), folder));
  return last + 1;
}

Status MakeWorkerFolder(files::FileSystem& fs, const RunFolder& folder, int attempt, int worker) {
  return MakeOne(fs, folder, folder.Worker(attempt, worker));
}

}  // namespace deit::run
