#include "coordinator/status/job_status.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "common/base/unix_time.h"
#include "common/run/summary.h"

namespace deit::status {
namespace {

using v1::JobState;

absl::Time FromUnix(double seconds) { return absl::FromUnixMicros(static_cast<int64_t>(seconds * 1e6)); }

std::string Rfc3339(absl::Time time) { return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", time, absl::UTCTimeZone()); }

// In whole milliseconds, so that it prints shortly.
double AgeOf(double unix_seconds, double now) { return std::round(1e3 * std::max(0.0, now - unix_seconds)) / 1e3; }

void AddProgress(const v1::Progress& progress, v1::JobStatus* job) {
  job->set_step(progress.step());
  job->set_steps(progress.steps());
  job->set_epoch(progress.epoch());
  job->set_epochs(progress.epochs());
  if (progress.has_loss()) job->set_loss(progress.loss());
  if (progress.has_val_acc1()) job->set_val_acc1(progress.val_acc1());
  // Rates of a job that does not train now would be read as if it did.
  if (job->state() != JobState::RUNNING && job->state() != JobState::DRAINING) return;
  if (progress.has_images_per_second()) job->set_images_per_second(progress.images_per_second());
  if (progress.has_eta_seconds()) job->set_eta_seconds(progress.eta_seconds());
}

void AddTimes(const v1::JobRecord& record, double now, v1::JobStatus* job) {
  job->set_created_at(Rfc3339(FromUnix(record.created())));
  job->set_updated_at(Rfc3339(FromUnix(record.updated())));
  if (record.has_ended()) job->set_ended_at(Rfc3339(FromUnix(record.ended())));
  job->set_age_seconds(AgeOf(record.created(), now));
  job->set_updated_age_seconds(AgeOf(record.updated(), now));
}

void AddProcesses(const job::Observation& seen, double now, v1::JobStatus* job) {
  const v1::JobRecord& record = seen.record;
  job->set_host(record.owner().host());
  *job->mutable_owner() = record.owner();
  if (record.has_guardian()) *job->mutable_guardian() = record.guardian();
  for (int i = 0; i < record.workers_size(); ++i) {
    const v1::WorkerRecord& from = record.workers(i);
    v1::WorkerStatus* worker = job->add_workers();
    worker->set_worker(from.worker());
    worker->set_rank(from.rank());
    worker->set_host(from.process().host());
    worker->set_pid(from.process().pid());
    worker->set_alive(job::WorkerLives(seen.evidence, static_cast<size_t>(i), now));
    worker->set_step(from.step());
    worker->set_phase(from.phase());
    worker->set_heard_age_seconds(AgeOf(from.heard(), now));
    job->set_workers_alive(job->workers_alive() + (worker->alive() ? 1 : 0));
  }
}

}  // namespace

v1::JobStatus DescribeJob(const job::Observation& seen, absl::Time time) {
  const double now = UnixSeconds(time);
  const v1::JobRecord& record = seen.record;
  const job::JobHealth health = job::ResolveJobState(record, seen.evidence, now);
  v1::JobStatus job;
  job.set_job(record.job());
  job.set_name(record.name());
  job.set_state(health.state);
  job.set_reason(health.reason);
  job.set_hint(health.hint);
  job.set_run_dir(record.run_dir());
  job.set_spec_digest(record.spec_digest());
  job.set_attempt(record.attempt());
  job.set_restarts(record.restarts());
  job.set_max_restarts(record.max_restarts());
  job.set_workers_wanted(record.workers_wanted());
  job.set_workers_min(record.workers_min());
  job.set_workers_max(record.workers_max());
  if (record.has_ended() && record.has_exit_code()) job.set_exit_code(record.exit_code());  // else that of an earlier end
  *job.mutable_refused() = record.refused();
  AddTimes(record, now, &job);
  AddProcesses(seen, now, &job);
  if (seen.progress) AddProgress(*seen.progress, &job);
  return job;
}

v1::StatusReport MakeReport(const std::vector<job::Observation>& seen, const std::vector<Status>& unreadable, absl::Time now) {
  v1::StatusReport report;
  report.set_schema("deit.status/v1");
  report.set_generated_at(Rfc3339(now));
  for (const job::Observation& observation : seen) *report.add_jobs() = DescribeJob(observation, now);
  const auto place = [](const v1::JobStatus& job) {
    const bool over = run::IsEnd(job.state());
    return std::make_tuple(over, over ? job.updated_age_seconds() : job.age_seconds(), job.job());
  };
  std::sort(report.mutable_jobs()->begin(), report.mutable_jobs()->end(),
            [&](const v1::JobStatus& a, const v1::JobStatus& b) { return place(a) < place(b); });
  for (const Status& status : unreadable) report.add_unreadable(std::string(status.message()));
  return report;
}

}  // namespace deit::status
