// Policy after an attempt's end: restart, stop or fail. The table of docs/supervision.md as pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coordinator/job/launch_state.h"
#include "coordinator/job/root_cause.h"
#include "proto/run.pb.h"

namespace deit::job {

// Failed attempts of one life of a job (since the last `run` that was not a take-over), up to the last attempt, which just failed.
struct History {
  int64_t furthest = 0;    // steps done by whichever attempt came furthest, earlier lives' too
  int failures = 0;        // since the last new step; the attempt that did that step counts
  int same_cause = 0;      // of these, the last ones in a row with one cause
  std::string cause = {};  // which: FailureName()
};

// Adds a failed attempt that got the job to `reached` steps (0: it never trained).
void AddFailure(absl::string_view cause, int64_t reached, History* history);

// The same from the attempts on record that are over: those numbered below `end_attempt`. `first_attempt` and higher ones are this life's.
History HistoryOf(const v1::Summary& summary, int first_attempt, int end_attempt = std::numeric_limits<int>::max());

// Steps that are done, and those that a checkpoint holds.
struct StepCounts {
  int64_t reached = 0;
  int64_t saved = 0;
  bool lost() const { return reached > saved; }  // they must be trained again
};

struct PolicyInput {
  RootCause cause = {};
  History history = {};
  int max_restarts = 0;
  DesiredState desired = DesiredState::kRunning;
  StepCounts steps = {};
  bool room_for_checkpoint = true;  // the run folder's disk has room for another one
};

struct NextStep {
  bool restart = false;
  absl::Duration delay = {};                         // before the restart
  v1::JobState::Value state = v1::JobState::FAILED;  // without a restart
  bool budget_exhausted = false;                     // that is why there is none
  std::string reason = {};                           // "the next attempt follows at once", "failed 3 times in a row ..."
};

NextStep AfterAttempt(const PolicyInput& input);

// The end of a stopped job: "stopped with everything saved", or which steps are lost.
std::string DescribeStop(const StepCounts& steps);

inline constexpr int kSameCauseLimit = 3;       // failures in a row with one cause and no new step
inline constexpr int kLaunchFailureLimit = 10;  // the same for launches that started nothing: a shortage may pass, and they wait longer

}  // namespace deit::job
