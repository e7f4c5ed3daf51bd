// Attempt: one launch of a job's workers in its run folder. Under a bare launch worker 0 owns the job; under `deit-coord run` the
// coordinator owns it and numbers the attempts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/job/attempt_lock.h"
#include "common/job/job_store.h"
#include "common/run/run_folder.h"
#include "proto/spec.pb.h"
#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"
#include "worker/train/record_keeper.h"

namespace deit::train {

struct Attempt {
  run::RunFolder folder;
  int number = 1;
  std::string job_id;                         // 8 hex digits
  std::string nonce;                          // names this attempt's temporary files; equal on all workers
  std::unique_ptr<job::JobStore> owner;       // worker 0 of a bare launch only; while there is a keeper, through it
  std::optional<job::AttemptLock> lock = {};  // this worker's share; OpenAttempt gives one to each
  std::unique_ptr<RecordKeeper> keeper = {};  // worker 0 only; destroyed before the owner
};

struct AttemptOptions {
  bool allow_config_change = false;  // the run folder's job may have had other RESULT fields
  bool fresh_start = false;          // checkpoints that are there are put aside
  std::string init_from_digest;      // of the JobDigest
  std::optional<int> number;         // the attempt that deit-coord run has begun; all above are its business then
};

// Collective. Under a bare launch worker 0 takes the run folder (job::JobStore) and draws the attempt's number; under an owner worker 0
// checks that the folder holds this job. Every worker makes its own log folder and takes its share of the attempt's lock, by a descriptor
// of its own: launchers pass none on. Errors carry exit code 73: folder unwritable, in use, or of another job.
StatusOr<Attempt> OpenAttempt(collective::Communicator& world, collective::Deadline deadline, const v1::JobSpec& spec,
                              const std::string& spec_digest, const AttemptOptions& options,
                              const control::WorkerProgress& worker_progress);

}  // namespace deit::train
