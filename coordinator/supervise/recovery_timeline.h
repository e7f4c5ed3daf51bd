// Where the time between a failure and the next step goes. Pure; times are Unix seconds.
#pragma once

#include <optional>
#include <string>

#include "proto/run.pb.h"

namespace deit::supervise {

struct RecoveryTimeline {
  double failed = 0;  // the last sign of life of what failed
  double noticed = 0;
  double stopped = 0;     // nothing of the old attempt lived any more
  double spoken = 0;      // all workers of the new one had spoken; 0: not yet
  double loaded = 0;      // all had the state
  double first_done = 0;  // the first step was done

  bool complete() const { return spoken > 0 && loaded > 0 && first_done > 0; }
};

// detect, stop, start, load and first_step seconds; none is negative, whatever the clocks say.
v1::Summary::Recovery RecoveryOf(const RecoveryTimeline& timeline);

// "back after 0.83 s: noticed 0.01, stopped 0.12, started 0.31, loaded 0.05, first step 0.34"
std::string Describe(const v1::Summary::Recovery& recovery);

}  // namespace deit::supervise
