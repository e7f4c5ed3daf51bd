#include "coordinator/supervise/take_over.h"

#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "common/run/run_folder.h"
#include "common/run/summary.h"

namespace deit::supervise {

StatusOr<std::optional<v1::JobRecord>> FindAbandonedAttempt(const job::JobStore& owner) {
  auto& fs = files::FileSystem::Posix();
  DEIT_ASSIGN_OR_RETURN(const int last, run::LastAttempt(fs, owner.folder()));
  const auto keeper = json::ReadAttemptFile<v1::GuardianRecord>(fs, owner.folder().Guardian(last), last);
  if (!keeper.ok() || !keeper->has_guardian()) return std::nullopt;  // a bare mpirun's attempt, or none
  const process::Life life = process::LifeOf(keeper->guardian());
  if (life == process::Life::kUnknown) return std::nullopt;
  const auto& record = owner.predecessor();
  if (record && record->attempt() == last && !run::IsEnd(record->state())) return record;
  if (life != process::Life::kAlive) return std::nullopt;
  v1::JobRecord found;
  found.set_attempt(last);
  found.set_workers_wanted(owner.record().workers_wanted());
  return found;
}

}  // namespace deit::supervise
