// One launch of a job's workers in its run folder: worker 0 owns the folder under a bare launch, all workers hear what it found.
#pragma once

#include <optional>
#include <string>

#include "common/files/file_lock.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"
#include "proto/spec.pb.h"
#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"

namespace deit::train {

struct Attempt {
  run::RunFolder folder;
  int number = 1;
  std::string job_id;                   // 8 hex digits
  std::string nonce;                    // names this attempt's temporary files; equal on all workers
  run::Identity identity;               // worker 0 only
  std::optional<files::FileLock> lock;  // worker 0 only; held as long as this lives
};

struct AttemptOptions {
  bool allow_config_change = false;  // the run folder's job may have had other RESULT fields
  bool begin_anew = false;           // checkpoints that are there are put aside, as checkpoints_before_attempt_N
};

// Collective. Worker 0 makes and locks spec.run_dir, checks that it is this job's (a folder without a checkpoint may become another's),
// writes config.textproto and draws the attempt's number; every worker makes its own log folder. Errors carry exit code 73: folder
// unwritable, in use, or of another job.
StatusOr<Attempt> OpenAttempt(collective::Communicator& world, collective::Deadline deadline, const v1::JobSpec& spec,
                              const std::string& spec_digest, const AttemptOptions& options);

}  // namespace deit::train
