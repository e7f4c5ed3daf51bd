#include "coordinator/supervise/guarded_attempt.h"

#include <utility>

#include "common/process/identity.h"

namespace deit::supervise {

Status GuardedAttempt::Kill(const std::vector<v1::ProcessIdentity>& workers, bool force) {
  return force ? process_.ForceKill(workers) : process_.Kill(workers);
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
  DEIT_ASSIGN_OR_RETURN(AttemptProcess process, AttemptProcess::Launch(folder, job_, attempt, command, temporary_folder));
  return std::make_unique<GuardedAttempt>(std::move(process), launcher_);
}

std::unique_ptr<job::AttemptHandle> GuardedAttemptStarter::Adopt(const run::RunFolder& folder, int attempt) {
  return std::make_unique<GuardedAttempt>(AttemptProcess::Adopt(folder, job_, attempt), launcher_);
}

}  // namespace deit::supervise
