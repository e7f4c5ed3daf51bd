#include "common/control/worker_progress.h"

#include "common/base/unix_time.h"

namespace deit::control {

void WorkerProgress::Report(uint64_t steps_done, const char* phase) {
  steps_done_ = steps_done;
  phase_ = phase;
}

void WorkerProgress::Loaded(uint64_t first_step, absl::Time now) {
  steps_done_ = first_step;
  first_step_ = static_cast<int64_t>(first_step);
  loaded_ = UnixSeconds(now);
}

void WorkerProgress::StepDone(uint64_t steps_done, double seconds, absl::Time now) {
  steps_done_ = steps_done;
  step_seconds_ = seconds;
  if (first_done_ == 0) first_done_ = UnixSeconds(now);
}

v1::Heartbeat WorkerProgress::Heartbeat() const {
  v1::Heartbeat heartbeat;
  heartbeat.set_step(static_cast<int64_t>(steps_done_.load()));
  heartbeat.set_phase(phase_.load());
  heartbeat.set_step_seconds(step_seconds_);
  heartbeat.set_first_step(first_step_);
  heartbeat.set_pieces(pieces_.load());
  if (const double loaded = loaded_; loaded > 0) heartbeat.set_loaded(loaded);
  if (const double first_done = first_done_; first_done > 0) heartbeat.set_first_done(first_done);
  return heartbeat;
}

}  // namespace deit::control
