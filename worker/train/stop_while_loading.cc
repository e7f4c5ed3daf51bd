#include "worker/train/stop_while_loading.h"

#include <chrono>
#include <utility>

namespace deit::train {

using Time = std::chrono::steady_clock;

StopWhileLoading::StopWhileLoading(std::function<bool()> stop_requested, absl::Duration grace, std::function<void()> leave)
    : stop_requested_(std::move(stop_requested)), grace_(grace), leave_(std::move(leave)), watcher_([this] { Watch(); }) {}

StopWhileLoading::~StopWhileLoading() {
  {
    const MutexLock lock(mutex_);
    loaded_ = true;
  }
  loaded_changed_.NotifyOne();
  watcher_.join();
}

void StopWhileLoading::Watch() {
  auto leave_at = Time::time_point::max();
  const MutexLock lock(mutex_);
  while (!loaded_) {
    loaded_changed_.WaitUntil(mutex_, Time::now() + std::chrono::milliseconds(50));
    if (loaded_) return;
    if (leave_at == Time::time_point::max() && stop_requested_()) leave_at = Time::now() + absl::ToChronoNanoseconds(grace_);
    if (Time::now() >= leave_at) return leave_();
  }
}

}  // namespace deit::train
