// Decision about a living launch: leave it alone, stop it, kill it. Pure: times are readings of one monotonic clock.
#pragma once

#include "absl/time/time.h"
#include "coordinator/job/launch_state.h"
#include "proto/control.pb.h"

namespace deit::job {

struct WatchLimits {
  absl::Duration start = absl::Seconds(30);         // until every worker has introduced itself
  absl::Duration silence = absl::Seconds(2.5);      // or 2.5 steps, whichever is longer
  absl::Duration notice = absl::Milliseconds(700);  // from a worker's death until the launcher has ended by itself and said how
  absl::Duration stall = absl::Seconds(310);        // without a piece of work of any worker
  absl::Duration phase = absl::Hours(1);            // the same while a worker loads or saves, whose pieces may be of any size
  absl::Duration drain = absl::Seconds(330);        // since the graceful stop or the last piece of work of a save
  absl::Duration escalate = absl::Seconds(5);       // from the first kill to the forced one
  absl::Duration repeat = absl::Seconds(1);         // between forced kills, while anything lives
};

enum class WatchAction { kNone, kStop, kKill, kForceKill };

struct WatchDecision {
  WatchAction action = WatchAction::kNone;
  Verdict verdict = Verdict::kNone;  // of a first kill
  int worker = 0;                    // the worker that the verdict is about
  absl::Duration waited;             // for as long as this
};

// Records a worker's heartbeat.
void RecordHeartbeat(absl::Duration now, const v1::Heartbeat& heartbeat, int worker, LaunchState* launch);

// A launch that was killed is killed again, by force, until it has ended.
WatchDecision Watch(absl::Duration now, const LaunchState& launch, const WatchLimits& limits, DesiredState desired);

// Shifts all deadlines by `gap`: the watcher itself was suspended and could not hear anything.
void ExtendDeadlines(absl::Duration gap, LaunchState* launch);

}  // namespace deit::job
