// State of a job, derived from its record and from the processes that are still alive. docs/supervision.md has the table.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/files/file_lock.h"
#include "common/process/identity.h"
#include "proto/job.pb.h"
#include "proto/run.pb.h"

namespace deit::job {

// What can be seen of a job besides its record.
struct LivenessEvidence {
  process::Life owner = process::Life::kDead;
  bool owner_reachable = true;  // by a signal; not in another pid namespace, where its lock alone shows that it lives
  process::Life guardian = process::Life::kDead;
  std::vector<process::Life> workers = {};                     // as in the record
  files::LockState attempt_lock = files::LockState::kUnknown;  // of the record's attempt (attempt_lock.h)
  bool attempt_lock_here = false;                              // all its holders were of this machine
  std::optional<v1::LauncherExit> exit = {};                   // how the launcher of the record's attempt ended
  std::optional<v1::AttemptResult> result = {};                // how that attempt ended, as its worker 0 wrote it
  std::optional<double> trained = {};                          // the workers' last word, progress.json's time; Unix seconds
  bool cancel_requested = false;
};

struct JobHealth {
  v1::JobState::Value state = v1::JobState::LOST;
  std::string reason;  // empty only while there is nothing to say
  std::string hint;    // the one next action, if there is one
};

// Processes of another machine cannot be seen from here: after so many seconds without a word they count as dead.
inline constexpr double kSilenceSeconds = 60;

// Pure. `now` in Unix seconds.
JobHealth ResolveJobState(const v1::JobRecord& record, const LivenessEvidence& evidence, double now);

// Whether the record's attempt counts as alive. Pure. Its lock decides: one that is held proves life, one that is free proves death on the
// machine of its holders, and elsewhere 60 s of silence are wanted too. Without an answer from the lock its processes are asked, as far as
// they are known.
bool AttemptLives(const v1::JobRecord& record, const LivenessEvidence& evidence, double now);

// Whether evidence.workers[index] counts as alive; false beyond them.
bool WorkerLives(const LivenessEvidence& evidence, size_t index, double now);

}  // namespace deit::job
