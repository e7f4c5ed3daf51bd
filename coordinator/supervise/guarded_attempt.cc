#include "coordinator/supervise/guarded_attempt.h"

#include <signal.h>

#include <utility>

#include "common/json/json_file.h"
#include "common/process/identity.h"

namespace deit::supervise {

Status GuardedAttempt::Kill(const std::vector<v1::ProcessIdentity>& workers, bool force) {
  process_.Kill(workers);
  if (!force) return absl::OkStatus();
  std::vector<v1::ProcessIdentity> all = workers;
  const auto record = json::ReadAttemptFile<v1::GuardianRecord>(files::FileSystem::Posix(), folder_.Guardian(attempt_), attempt_);
  if (record.ok() && record->has_launcher()) all.push_back(record->launcher());
  all.push_back(process_.guardian());
  Status failed;
  for (const v1::ProcessIdentity& each : all) {
    const Status sent = process::Signal(each, SIGKILL);
    if (!sent.ok() && !absl::IsNotFound(sent)) failed.Update(sent);
  }
  return failed;
}

bool GuardedAttempt::IsGone(const v1::ProcessIdentity& worker) const { return process::LifeOf(worker) == process::Life::kDead; }

std::vector<int> GuardedAttempt::SuspendedWorkers(const std::vector<v1::WorkerRecord>& known) {
  std::vector<int> suspended;
  for (const v1::WorkerRecord& worker : known) {
    if (process::IsStopped(worker.process())) suspended.push_back(worker.worker());
  }
  if (const auto worker = process_.StoppedWorker(launcher_)) suspended.push_back(*worker);  // it may not have introduced itself
  return suspended;
}

StatusOr<std::unique_ptr<job::AttemptHandle>> GuardedAttemptStarter::Launch(const run::RunFolder& folder, int attempt,
                                                                            const launch::Command& command,
                                                                            const std::string& temporary_folder) {
  DEIT_ASSIGN_OR_RETURN(AttemptProcess process, AttemptProcess::Launch(folder, attempt, command, temporary_folder));
  return std::make_unique<GuardedAttempt>(folder, attempt, std::move(process), launcher_);
}

std::unique_ptr<job::AttemptHandle> GuardedAttemptStarter::Adopt(const run::RunFolder& folder, int attempt) {
  return std::make_unique<GuardedAttempt>(folder, attempt, AttemptProcess::Adopt(folder, attempt), launcher_);
}

}  // namespace deit::supervise
