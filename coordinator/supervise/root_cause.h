// Why an attempt ended: one cause, from everything that is known. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/job.pb.h"
#include "proto/run.pb.h"

namespace deit::supervise {

// What is known of one worker of the attempt.
struct WorkerEvidence {
  int worker = 0;
  std::string host;
  bool spoke = false;            // over the control channel
  bool left = false;             // said that it ends in order
  std::optional<double> closed;  // when its process was seen to be gone; Unix seconds
  int64_t step = 0;              // steps done, as last heard
  std::string phase;
  std::optional<v1::WorkerError> error;  // its error.json
};

// Why the supervisor itself had the attempt killed.
enum class Verdict {
  kNone,        // it did not
  kSilent,      // a worker said nothing any more
  kNotStarted,  // a worker did not speak in time
  kStalled,     // all speak, but no step is done
  kDied,        // a worker's process was gone and the launcher did not end
  kImpatient,   // somebody wanted the end at once
};

struct Evidence {
  Verdict verdict = Verdict::kNone;
  int verdict_worker = 0;                   // whom it is about: kSilent, kNotStarted, kDied
  double verdict_seconds = 0;               // of silence, of waiting
  bool verdict_stopped = false;             // its process lived but did not run
  std::optional<v1::LauncherExit> exit;     // absent: the guardian died before it could write it
  std::string launcher_stderr;              // its end
  std::vector<WorkerEvidence> workers;      // by number
  std::optional<v1::AttemptResult> result;  // as worker 0 wrote it
};

struct RootCause {
  enum class Kind { kDone, kStopped, kSignal, kExit, kSilent, kNotStarted, kStalled, kLauncher, kGuardian, kKilled, kUnknown };
  Kind kind = Kind::kUnknown;
  std::optional<int> worker;  // where a worker was it
  std::string node;
  std::optional<int> signal;
  std::optional<int> exit_code;  // a worker's; as common/base/exit_code.h
  std::string text;              // "worker 1 on node1: killed by signal 9 (Killed) at step 12 in phase compute"
  std::string hint;              // a worker's own, if it gave one
};

// In this order: worker 0's record of a good end; what the supervisor killed it for; mpirun's notice; the launcher's own death; the guardian's; the
// earliest error.json; the first closed connection; the launcher's exit code. A worker that ended because it lost a peer names that peer,
// which is then the cause.
RootCause FindRootCause(const Evidence& evidence);

}  // namespace deit::supervise
