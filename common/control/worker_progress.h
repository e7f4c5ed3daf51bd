// Progress of a worker, as its background thread reports it to the job's owner and error.json records it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "proto/control.pb.h"

namespace deit::control {

// The training thread writes (pieces: any thread), anybody reads; lock-free, so a report costs nothing. Thread-safe.
class WorkerProgress {
 public:
  // From now on: `steps_done` steps of the job are done and the worker is in `phase`, a string that lives for ever.
  void Report(uint64_t steps_done, const char* phase);
  void Report(const char* phase) { phase_ = phase; }

  // Another piece of work is done, of whatever size: a block of the network, a lane, a file.
  void AddPiece() { pieces_.fetch_add(1, std::memory_order_relaxed); }

  // All workers have the state and go on with step `first_step`.
  void Loaded(uint64_t first_step, absl::Time now);

  // Another step of this attempt is done.
  void StepDone(uint64_t steps_done, double seconds, absl::Time now);

  uint64_t steps_done() const { return steps_done_; }
  std::string phase() const { return phase_.load(); }
  v1::Heartbeat Heartbeat() const;

 private:
  std::atomic<uint64_t> steps_done_{0}, pieces_{0};
  std::atomic<const char*> phase_{"start"};
  std::atomic<int64_t> first_step_{-1};
  std::atomic<double> step_seconds_{0}, loaded_{0}, first_done_{0};  // Unix seconds; 0: not yet
};

}  // namespace deit::control
