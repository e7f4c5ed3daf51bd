// Root cause of an attempt's end: one cause, from everything that is known. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/job/launch_state.h"
#include "launch/launcher.h"
#include "proto/job.pb.h"
#include "proto/run.pb.h"

namespace deit::job {

// Everything known of one worker of the attempt.
struct WorkerEvidence {
  int worker = 0;
  std::string host;
  std::optional<int> rank;       // the launcher's number, once it introduced itself
  bool spoke = false;            // over the control channel
  bool left = false;             // announced that it ends in order
  bool suspended = false;        // its process lived but did not run when the attempt was killed
  std::optional<double> closed;  // when its process was seen to be gone; seconds of one clock
  int64_t step = 0;              // steps done, as last heard
  std::string phase;
  std::optional<v1::WorkerError> error;  // its error.json
};

struct Evidence {
  std::string launcher = "the launcher";  // its name
  Verdict verdict = Verdict::kNone;
  int verdict_worker = 0;                        // the worker that it is about: kSilent, kNotStarted, kDied
  double verdict_seconds = 0;                    // of silence, of waiting
  std::optional<v1::LauncherExit> exit;          // absent: the guardian died before it could write it
  std::optional<launch::LaunchFailure> failure;  // as the launcher reported it
  std::vector<WorkerEvidence> workers;           // by number
  std::optional<v1::AttemptResult> result;       // as worker 0 wrote it
};

struct RootCause {
  enum class Kind {
    kDone,
    kStopped,
    kSignal,
    kExit,
    kSilent,
    kNotStarted,
    kStalled,
    kLauncher,
    kGuardian,
    kKilled,        // by the user, or after a graceful stop that did not end
    kLaunchFailed,  // no process of it ever ran
    kFolderGone,    // the run folder was moved or removed
    kUnknown,
  };
  Kind kind = Kind::kUnknown;
  std::optional<int> worker = {};  // where a worker caused it
  std::string node = {};
  std::optional<int> signal = {};
  std::optional<int> exit_code = {};  // a worker's; as common/base/exit_code.h
  std::string text = {};              // "worker 1 on node1: killed by signal 9 (Killed) at step 12 in phase compute"
  std::string hint = {};              // a worker's own, if it gave one
  bool permanent = false;             // another try would fail too
};

// "signal 9", "exit 76", "silent": names the same cause in two attempts, whichever worker had it and at whichever step.
std::string FailureName(const RootCause& cause);

// In this order: worker 0's record of a good end; the verdict by which the attempt was killed; the launcher's report; the launcher's own
// death; the guardian's; the earliest error.json; the first closed connection; the launcher's exit code. A worker that ended because
// it lost a
// peer names that peer, which is then the cause.
RootCause FindRootCause(const Evidence& evidence);

}  // namespace deit::job
