// State machine of a job under supervision: launches, watches, restarts and ends it. Pure: no clock, no files, no processes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/job/job_action.h"
#include "coordinator/job/job_event.h"
#include "coordinator/job/launch_state.h"
#include "coordinator/job/policy.h"
#include "coordinator/job/recovery_timeline.h"
#include "coordinator/job/watch.h"

namespace deit::job {

// Constant over a job's life.
struct JobPolicy {
  int workers = 1;
  int max_restarts = 100;  // failed attempts since the last new step after which another one is still started
  WatchLimits limits;
  std::string launcher = "the launcher";  // for causes
  std::string host;                       // of workers that have not said where they run
};

struct JobMachineState {
  absl::Duration now;  // of the last event
  DesiredState desired = DesiredState::kRunning;
  bool cancel = false;                       // the stop is for good
  std::map<int, LaunchState> launches;       // that live, by attempt; today at most one
  bool launching = false;                    // LaunchWorkers is not answered yet
  std::optional<absl::Duration> restart_at;  // the next launch is due then
  History history;
  StepCounts steps;                          // as of the last attempt's end
  std::optional<RecoveryTimeline> recovery;  // of a failure that is not overcome yet
  bool ended = false;
};

struct Transition {
  JobMachineState state;
  std::vector<Action> actions;
  std::string reason;  // for the actions, in words; empty where they need none
};

// A job that is to be launched at the first event, unless that is TakenOver. `history` and `steps` are what earlier attempts left.
JobMachineState NewJob(History history, StepCounts steps, absl::Duration now);

// Reacts to one event. `now` never goes back. Events of unknown launches, workers and connections, repeated ones, and all events after
// EndJob change nothing. A launch is only asked for when no other one lives and no stop is wanted.
Transition Advance(JobMachineState state, const JobEvent& event, const JobPolicy& policy, absl::Duration now);

// Whether something will happen soon, so that ticks should come every 10 ms instead of every 100 ms.
bool IsBusy(const JobMachineState& state);

}  // namespace deit::job
