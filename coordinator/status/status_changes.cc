#include "coordinator/status/status_changes.h"

#include <map>
#include <string>

namespace deit::status {
namespace {

// Equal for jobs that differ in nothing but the time that passed: what any owner says every few seconds is no change.
std::string WithoutAges(v1::JobStatus job) {
  job.clear_age_seconds();
  job.clear_updated_age_seconds();
  job.clear_updated_at();
  for (v1::WorkerStatus& worker : *job.mutable_workers()) worker.clear_heard_age_seconds();
  return job.SerializeAsString();
}

v1::StatusChange Change(v1::StatusChange::Type type, const v1::JobStatus& job) {
  v1::StatusChange change;
  change.set_type(type);
  *change.mutable_object() = job;
  return change;
}

}  // namespace

std::vector<v1::StatusChange> ChangesBetween(const v1::StatusReport& before, const v1::StatusReport& after) {
  std::map<std::string, const v1::JobStatus*> gone;
  for (const v1::JobStatus& job : before.jobs()) gone[job.job()] = &job;
  std::vector<v1::StatusChange> changes;
  for (const v1::JobStatus& job : after.jobs()) {
    const auto known = gone.find(job.job());
    if (known == gone.end()) {
      changes.push_back(Change(v1::StatusChange::ADDED, job));
      continue;
    }
    if (WithoutAges(*known->second) != WithoutAges(job)) changes.push_back(Change(v1::StatusChange::MODIFIED, job));
    gone.erase(known);
  }
  for (const auto& [id, job] : gone) changes.push_back(Change(v1::StatusChange::DELETED, *job));
  return changes;
}

}  // namespace deit::status
