// Decides whether a step in progress is finished before a stop, or given up. Pure.
#pragma once

#include <optional>

#include "absl/time/time.h"

namespace deit::train {

// Readings of one monotonic clock, and durations.
struct StopTimes {
  absl::Duration asked;  // when the stop was requested
  absl::Duration grace;  // fault.stop_grace
  absl::Duration now;
  absl::Duration step_began;
  absl::Duration step_takes = absl::InfiniteDuration();     // as the last one did; infinite: none was done yet
  std::optional<absl::Duration> save_takes = std::nullopt;  // as the longest so far did; unknown: a quarter of the grace
};

// Whether the step's expected end and a save after it lie within the grace.
bool StepFits(const StopTimes& times);

}  // namespace deit::train
