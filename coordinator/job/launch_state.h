// State of one launch of a job's workers, as its machine knows it: one struct per worker, and what was decided about the launch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/job.pb.h"

namespace deit::job {

// The user's intention for a job. It only ever moves down this list.
enum class DesiredState { kRunning, kStopped, kKilled };

// Reason for which the machine had a launch killed.
enum class Verdict {
  kNone,         // it did not
  kSilent,       // a worker sent nothing any more
  kNotStarted,   // a worker did not introduce itself in time
  kStalled,      // all workers answer, but none does a piece of work
  kDied,         // a worker's process was gone and the launcher did not end
  kNotDrained,   // the launch did not end after a graceful stop
  kForceKilled,  // user requested immediate termination
  kFolderGone,   // the run folder is not where it was, so nothing can be saved any more
};

// All times are readings of one monotonic clock; an empty optional is a thing that has not happened.
struct WorkerState {
  std::optional<v1::ProcessIdentity> process;  // as introduced, to this controller or an earlier one
  int rank = 0;                                // the launcher's number of the process
  int64_t connection = 0;                      // the open one; 0: none
  int64_t last_connection = 0;                 // the newest that there was
  bool spoke = false;                          // introduced itself to this controller, or known from an earlier one
  bool left = false;                           // announced that it ends in order
  bool suspended = false;                      // its process was found stopped (SIGSTOP, a debugger) when the launch was killed
  absl::Duration heard;                        // last message; meaningful once it spoke
  std::optional<absl::Duration> closed;        // its last connection was closed
  std::optional<absl::Duration> gone;          // its process was seen to be gone
  int64_t step = -1;                           // steps done; -1: not known
  std::string phase;                           // what it is doing
  uint64_t pieces = 0;                         // of work that it has done (Heartbeat.pieces)
  double step_seconds = 0;                     // of its last step; 0: none yet
  std::optional<absl::Duration> loaded;        // it had the training state
  std::optional<absl::Duration> first_done;    // its first step was done
};

struct KillState {
  Verdict verdict = Verdict::kNone;
  int worker = 0;              // the worker that it is about: kSilent, kNotStarted, kDied
  absl::Duration waited = {};  // for as long as this
  absl::Duration sent = {};    // the last time
  int count = 0;               // times sent
};

struct LaunchState {
  std::vector<WorkerState> workers;        // by number
  absl::Duration began;                    // launched, or taken over
  absl::Duration progressed;               // the last piece of work of any worker; after a stop, of a save
  std::optional<absl::Duration> stopping;  // the graceful stop was sent
  std::optional<KillState> kill;
  std::optional<absl::Duration> noticed;  // the first sign of its end
  std::optional<absl::Duration> spoken;   // all workers had introduced themselves to this controller
};

}  // namespace deit::job
