// Whether a living attempt is to be let alone, stopped or killed. Pure: times are readings of one monotonic clock.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/supervise/root_cause.h"
#include "proto/control.pb.h"

namespace deit::supervise {

struct WorkerWatch {
  bool spoke = false;                                // to this owner
  bool left = false;                                 // said that it ends in order
  absl::Duration heard = -absl::InfiniteDuration();  // the last time
  absl::Duration died = absl::InfiniteDuration();    // its process was seen to be gone
  int64_t step = -1;                                 // steps done; -1: not known
  double step_seconds = 0;                           // of its last step
};

struct AttemptWatch {
  absl::Duration began;       // launched, or taken over
  absl::Duration progressed;  // the last time anybody did a step, or did something that may take longer than steps
  std::vector<WorkerWatch> workers;
  bool stop_sent = false;
  absl::Duration stop_sent_at;
  bool kill_sent = false;
};

struct WatchLimits {
  absl::Duration start = absl::Seconds(30);         // until every worker has spoken
  absl::Duration silence = absl::Seconds(2.5);      // or 2.5 steps, whichever is longer
  absl::Duration notice = absl::Milliseconds(700);  // from a worker's death until the launcher has ended by itself, saying how
  absl::Duration stall = absl::Seconds(310);        // without progress since the first step, or 10 steps, whichever is longer
  absl::Duration drain = absl::Seconds(310);        // from the request to stop until the end
};

enum class Wish { kTrain, kStop, kKill };  // what the user wants

struct WatchDecision {
  enum class Action { kNone, kStop, kKill };
  Action action = Action::kNone;
  Verdict verdict = Verdict::kNone;  // of a kill
  int worker = 0;                    // whom it is about
  absl::Duration waited;             // how long that was waited for
};

// A worker said where it is.
void Hear(absl::Duration now, const v1::Heartbeat& heartbeat, size_t worker, AttemptWatch* attempt);

WatchDecision Watch(absl::Duration now, const AttemptWatch& attempt, const WatchLimits& limits, Wish wish);

// The watcher itself was kept from running for `gap` (stopped, suspended): it could not hear anybody, so nobody was silent.
void Forgive(absl::Duration gap, AttemptWatch* attempt);

}  // namespace deit::supervise
