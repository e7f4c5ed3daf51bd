#include "worker/train/stop_plan.h"

#include <algorithm>

namespace deit::train {

bool StepFits(const StopTimes& times) {
  const absl::Duration end = std::max(times.now, times.step_began + times.step_takes);
  return end + times.save_takes.value_or(times.grace / 4) <= times.asked + times.grace;
}

}  // namespace deit::train
