// Records of jobs as their owners would write them.
#pragma once

#include <string>

#include "common/process/identity.h"
#include "proto/job.pb.h"
#include "proto/run.pb.h"

namespace deit::testing {

// This process; one that has ended; one of another host.
inline v1::ProcessIdentity LivingProcess() { return process::Self(); }

inline v1::ProcessIdentity DeadProcess() {
  v1::ProcessIdentity identity = process::Self();
  identity.set_start_time(identity.start_time() - 1);  // its number is another's by now
  return identity;
}

inline v1::ProcessIdentity ForeignProcess() {
  v1::ProcessIdentity identity = process::Self();
  identity.set_host("another-host");
  identity.set_boot_id("another-boot");
  return identity;
}

// A job whose owner, guardian and `workers` workers are `process`.
inline v1::JobRecord RecordOf(const std::string& job, v1::JobState::Value state, const v1::ProcessIdentity& process, int workers = 2) {
  v1::JobRecord record;
  record.set_job(job);
  record.set_name("deit-ti");
  record.set_run_dir("/runs/deit-ti");
  record.set_spec_digest("00112233445566778");
  record.set_state(state);
  *record.mutable_owner() = process;
  *record.mutable_guardian() = process;
  for (int i = 0; i < workers; ++i) {
    v1::WorkerRecord* worker = record.add_workers();
    worker->set_worker(i);
    worker->set_rank(i + 1);
    *worker->mutable_process() = process;
    worker->set_step(15012);
    worker->set_phase("forward");
    worker->set_heard(1'790'000'000);
  }
  record.set_attempt(2);
  record.set_workers_wanted(workers);
  record.set_workers_min(workers);
  record.set_workers_max(workers);
  record.set_restarts(1);
  record.set_max_restarts(3);
  record.set_created(1'790'000'000 - 3720);
  record.set_updated(1'790'000'000);
  return record;
}

// A job whose end is recorded; `ended` in Unix seconds.
inline v1::JobRecord EndedRecord(const std::string& job, v1::JobState::Value state, int exit_code, double ended) {
  v1::JobRecord record = RecordOf(job, state, DeadProcess());
  record.set_ended(ended);
  record.set_updated(ended);
  record.set_exit_code(exit_code);
  return record;
}

}  // namespace deit::testing
