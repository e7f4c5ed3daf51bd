// One job that a request is about, looked at as often as wanted.
#pragma once

#include <string>

#include "common/job/job_health.h"
#include "common/job/observation.h"
#include "common/run/summary.h"
#include "coordinator/api/environment.h"
#include "proto/status.pb.h"

namespace deit::api {

// A job at one moment.
struct JobSnapshot {
  job::Observation observation;
  job::JobHealth health;
  bool over() const { return run::IsEnd(health.state); }
};

// Not thread-safe.
class JobHandle {
 public:
  // `word`: a job id, a prefix of exactly one id, or a run folder; a run folder is enough, even where its record is gone.
  // NotFound: no such job. InvalidArgument: several ids have that prefix.
  static StatusOr<JobHandle> Find(const Environment& environment, const std::string& word);

  // As it is now. Once its record is gone (pruned) or cannot be read: as it was, or as its run folder says.
  JobSnapshot Look();

  // Begins sentences about the job: "job 7f3a0001 (deit-ti)".
  std::string Title() const;
  const std::string& id() const { return record_.job(); }  // empty: a copy of a run folder that was never started
  std::string Argument() const;                            // names it on a command line: its id, else its run folder, quoted for a shell
  const std::string& run_dir() const { return record_.run_dir(); }
  const Environment& environment() const { return environment_; }

 private:
  JobHandle(Environment environment, v1::JobRecord record, bool from_run_folder)
      : environment_(std::move(environment)), record_(std::move(record)), from_run_folder_(from_run_folder) {}

  Environment environment_;
  v1::JobRecord record_;
  bool from_run_folder_;  // there is no other record
};

// "RUNNING", "FAILED: worker 1 on n1: exit 71": a state with its reason, printable.
std::string StateText(v1::JobState::Value state, const std::string& reason);

// The job as `status` shows it, at the clock's time.
v1::JobStatus DescribeJob(const Environment& environment, const JobSnapshot& snapshot);

}  // namespace deit::api
