#include "common/job/observation.h"

#include <algorithm>

#include "common/job/attempt_lock.h"
#include "common/job/guardian_file.h"
#include "common/job/job_record.h"
#include "common/job/owner_lock.h"
#include "common/json/json_file.h"
#include "common/run/run_folder.h"

namespace deit::job {
namespace {

using process::Life;
using process::LifeOf;

template <typename T>
std::optional<T> IfThere(StatusOr<T> read) {
  return read.ok() ? std::optional<T>(*std::move(read)) : std::nullopt;
}

StatusOr<v1::Progress> ReadProgress(files::FileSystem& fs, const run::RunFolder& run) {
  v1::Progress progress;
  DEIT_RETURN_IF_ERROR(json::ReadJsonFile(fs, run.Progress(), &progress));
  return progress;
}

// One that cannot be seen from here is asked for by its lock.
Life LifeOfHidden(const v1::JobRecord& record) {
  switch (LookAtOwnerLock(run::RunFolder(record.run_dir()))) {
    case files::LockState::kHeld: return Life::kAlive;
    case files::LockState::kFree: return Life::kDead;
    case files::LockState::kUnknown: break;
  }
  return Life::kHidden;
}

// An owner writes its last word before it dies: one that is dead now may have written since `record` was read.
Life LifeOfOwner(files::FileSystem& fs, const StateFolder& folder, v1::JobRecord& record) {
  for (;;) {
    if (record.has_ended()) return Life::kDead;
    Life life = LifeOf(record.owner());
    if (life == Life::kHidden) life = LifeOfHidden(record);
    if (life != Life::kDead) return life;
    auto again = ReadJobRecord(fs, folder, record.job());
    if (!again.ok() || again->updated() == record.updated()) return life;
    again->set_run_dir(record.run_dir());  // a moved folder stays where it was found
    record = *std::move(again);
  }
}

// An owner may die between the start of an attempt and the record of it: the attempt's guardian is then known by its own file.
void FollowNewestAttempt(files::FileSystem& fs, const run::RunFolder& run, v1::JobRecord& record) {
  const auto newest = run::LastAttempt(fs, run);
  if (!newest.ok() || *newest < record.attempt() || (*newest == record.attempt() && record.has_guardian())) return;
  if (*newest > record.attempt()) {
    record.clear_workers();
    record.clear_guardian();
  }
  record.set_attempt(*newest);
  const auto guardian = ReadGuardian(fs, run, record.job(), *newest);
  if (!guardian.ok()) return;
  *record.mutable_guardian() = guardian->guardian();
  record.set_updated(std::max(record.updated(), guardian->time()));
}

}  // namespace

Observation Observe(files::FileSystem& fs, const StateFolder& folder, v1::JobRecord record) {
  Observation seen;
  seen.evidence.owner = LifeOfOwner(fs, folder, record);
  const run::RunFolder run(record.run_dir());
  if (!record.has_ended()) {
    seen.evidence.owner_reachable = LifeOf(record.owner()) != Life::kHidden;
    if (seen.evidence.owner != Life::kAlive) FollowNewestAttempt(fs, run, record);
    const AttemptLockProbe lock(run, record.job(), record.attempt());
    seen.evidence.attempt_lock = lock.State();
    seen.evidence.attempt_lock_here = lock.Here();
    seen.evidence.guardian = LifeOf(record.guardian());
    for (const v1::WorkerRecord& worker : record.workers()) seen.evidence.workers.push_back(LifeOf(worker.process()));
    // After the look at the processes: a guardian that was seen dead has written it before.
    seen.evidence.exit = IfThere(json::ReadAttemptFile<v1::LauncherExit>(fs, run.Exit(record.attempt()), record.attempt()));
    seen.evidence.result = IfThere(json::ReadAttemptFile<v1::AttemptResult>(fs, run.Result(record.attempt()), record.attempt()));
    seen.evidence.cancel_requested = fs.Stat(folder.CancelRequest(record.job())).ok();
  }
  seen.progress = IfThere(ReadProgress(fs, run));
  if (seen.progress) seen.evidence.trained = seen.progress->time();
  seen.record = std::move(record);
  return seen;
}

}  // namespace deit::job
