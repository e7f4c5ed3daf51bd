// What follows an attempt's end: the table of docs/supervision.md as pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "coordinator/supervise/root_cause.h"
#include "proto/run.pb.h"

namespace deit::supervise {

// What the attempts of one owner's life say, the last of them just ended.
struct History {
  int restarts = 0;          // attempts that followed a failure
  int without_progress = 0;  // failures in a row, up to the last attempt, that reached no step that none before had reached
  int same_step = 0;         // failures in a row, up to the last attempt, at the very step of the last one
};

// From the attempts numbered `first_attempt` and higher; earlier ones are another life's, but the steps they reached were reached.
History HistoryOf(const v1::Summary& summary, int first_attempt);

struct NextStep {
  bool restart = false;
  absl::Duration delay;                              // before the restart
  v1::JobState::Value state = v1::JobState::FAILED;  // without a restart
  bool budget_exhausted = false;                     // that is why there is none
  std::string reason;                                // in words: "attempt 3 follows at once", "the third failure in a row at step 12"
};

// `stop_wanted`: somebody asked for a graceful stop, so that nothing is started again.
NextStep AfterAttempt(const RootCause& cause, const History& history, int max_restarts, bool stop_wanted);

inline constexpr int kSameStepLimit = 3;

}  // namespace deit::supervise
