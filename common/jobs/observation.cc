#include "common/jobs/observation.h"

#include "common/jobs/job_record.h"
#include "common/run/json_file.h"
#include "common/run/run_folder.h"

namespace deit::jobs {
namespace {

using process::Life;
using process::LifeOf;

template <typename Message>
std::optional<Message> ReadIfThere(files::FileSystem& fs, const std::string& path) {
  Message message;
  if (!run::ReadJsonFile(fs, path, &message).ok()) return std::nullopt;
  return message;
}

// An owner writes its last word before it dies: one that is dead now may have written since `record` was read.
Life LifeOfOwner(files::FileSystem& fs, const StateFolder& folder, v1::JobRecord& record) {
  for (;;) {
    if (record.has_ended()) return Life::kDead;
    const Life life = LifeOf(record.owner());
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
  if (!newest.ok() || *newest <= record.attempt()) return;
  record.set_attempt(*newest);
  record.clear_workers();
  record.clear_guardian();
  if (auto keeper = ReadIfThere<v1::GuardianRecord>(fs, run.Guardian(*newest))) *record.mutable_guardian() = keeper->guardian();
}

}  // namespace

Observation Observe(files::FileSystem& fs, const StateFolder& folder, v1::JobRecord record) {
  Observation seen;
  seen.signs.owner = LifeOfOwner(fs, folder, record);
  const run::RunFolder run(record.run_dir());
  if (!record.has_ended()) {
    if (seen.signs.owner != Life::kAlive) FollowNewestAttempt(fs, run, record);
    seen.signs.guardian = LifeOf(record.guardian());
    for (const v1::WorkerRecord& worker : record.workers()) seen.signs.workers.push_back(LifeOf(worker.process()));
    // After the look at the processes: a guardian that was seen dead has written it before.
    seen.signs.exit = ReadIfThere<v1::LauncherExit>(fs, run.Exit(record.attempt()));
    seen.signs.cancel_requested = fs.Stat(folder.CancelRequest(record.job())).ok();
  }
  seen.progress = ReadIfThere<v1::Progress>(fs, run.Progress());
  if (seen.progress) seen.signs.trained = seen.progress->time();
  seen.record = std::move(record);
  return seen;
}

}  // namespace deit::jobs
