// Events of a job: everything that its machine reacts to, as values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/job/policy.h"
#include "launch/launcher.h"
#include "proto/control.pb.h"
#include "proto/job.pb.h"
#include "proto/run.pb.h"

namespace deit::job {

// A launch is named by its attempt's number. Times are readings of the clock that Advance() gets.

struct Launched {
  int launch = 0;
  int workers = 0;
};

// No process of it runs.
struct LaunchFailed {
  std::optional<int> launch = {};  // absent: not even its folder could be made
  std::string cause;
  std::string hint = {};
  bool permanent = false;  // another try would fail too
};

// A launch of a controller that died; it may have ended since.
struct TakenOver {
  int launch = 0;
  int workers = 0;
  std::vector<v1::WorkerRecord> known = {};  // workers that had introduced themselves
};

// A worker that reconnects introduces itself again, with a new connection.
struct WorkerHello {
  int64_t connection = 0;  // counted from 1
  int launch = 0;
  int worker = 0;
  int workers = 0;  // of the launch, as the worker sees it
  v1::ProcessIdentity process = {};
  int rank = 0;  // the launcher's number of the process
};

struct WorkerHeartbeat {
  int64_t connection = 0;
  v1::Heartbeat heartbeat = {};                   // whose Unix times are not used, but these:
  std::optional<absl::Duration> loaded = {};      // all workers had the state
  std::optional<absl::Duration> first_done = {};  // its first step was done
};

struct WorkerLeaving {
  int64_t connection = 0;
};

struct ConnectionClosed {
  int64_t connection = 0;
};

// The process of a worker without a connection has ended.
struct WorkerGone {
  int launch = 0;
  int worker = 0;
};

// The process of a worker was found stopped by a signal when its launch was killed.
struct WorkerSuspended {
  int launch = 0;
  int worker = 0;
};

struct TrainingStarted {
  v1::AttemptStart start;
};

// Everything that an attempt left in its folder.
struct AttemptOutcome {
  std::optional<v1::LauncherExit> exit = {};
  std::optional<absl::Duration> launcher_ended = {};
  std::optional<launch::LaunchFailure> failure = {};
  std::map<int, v1::WorkerError> errors = {};  // by worker
  std::optional<v1::AttemptResult> result = {};
  StepCounts steps = {};
  bool room_for_checkpoint = true;
  bool cancel_requested = false;
};

// Nothing of the launch lives any more.
struct AttemptEnded {
  int launch = 0;
  AttemptOutcome outcome;
};

struct StopWanted {
  bool force = false;   // at once
  bool cancel = false;  // for good
};

// The run folder is not at its place any more.
struct RunFolderGone {};

// Time has passed. At most a few hundred milliseconds after the event before it: longer gaps are taken for a suspended controller.
struct Tick {};

using JobEvent = std::variant<Launched, LaunchFailed, TakenOver, WorkerHello, WorkerHeartbeat, WorkerLeaving, ConnectionClosed, WorkerGone,
                              WorkerSuspended, TrainingStarted, AttemptEnded, StopWanted, RunFolderGone, Tick>;

}  // namespace deit::job
