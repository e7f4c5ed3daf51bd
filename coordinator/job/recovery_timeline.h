// Timeline of a recovery: where the time between a failure and the next new step goes. Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "proto/run.pb.h"

namespace deit::job {

// Readings of one monotonic clock.
struct RecoveryTimeline {
  absl::Duration failed = {};                     // the last sign of life of what failed
  absl::Duration noticed = {};                    // and when that was noticed
  absl::Duration stopped = {};                    // nothing of the old attempt lived any more
  std::optional<absl::Duration> spoken = {};      // all workers of the new one had introduced themselves
  std::optional<absl::Duration> loaded = {};      // all had the state
  std::optional<absl::Duration> first_done = {};  // the first step was done

  bool complete() const { return spoken && loaded && first_done; }
};

// detect, stop, start, load and first_step seconds of a complete timeline; none is negative, whatever the clocks say.
v1::Summary::Recovery RecoveryOf(const RecoveryTimeline& timeline);

// "back after 0.83 s: noticed 0.01, stopped 0.12, started 0.31, loaded 0.05, first step 0.34"
std::string Describe(const v1::Summary::Recovery& recovery);

}  // namespace deit::job
