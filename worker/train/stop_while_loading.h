// Watchdog for stops that come while a worker loads: listing data and reading weights may take minutes, and cannot be interrupted.
#pragma once

#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "common/base/mutex.h"

namespace deit::train {

// With a stop, until loading is broken off. A worker that loads faster begins its attempt, and ends it in order before the first step.
constexpr absl::Duration kLoadingGrace = absl::Seconds(2);

// While it lives, a thread asks `stop_requested` every 50 ms; once a stop has lasted for `grace`, it calls `leave`, which is to end the
// process: nothing has been trained yet, so nothing is lost. A stop that the caller comes to before that is the caller's to handle.
class StopWhileLoading {
 public:
  StopWhileLoading(std::function<bool()> stop_requested, absl::Duration grace, std::function<void()> leave);
  ~StopWhileLoading();
  StopWhileLoading(const StopWhileLoading&) = delete;
  StopWhileLoading& operator=(const StopWhileLoading&) = delete;

 private:
  void Watch();

  const std::function<bool()> stop_requested_;
  const absl::Duration grace_;
  const std::function<void()> leave_;
  Mutex mutex_;
  CondVar loaded_changed_;
  bool loaded_ DEIT_GUARDED_BY(mutex_) = false;
  std::thread watcher_;
};

}  // namespace deit::train
