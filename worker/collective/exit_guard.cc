#include "worker/collective/exit_guard.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "common/base/exit_code.h"
#include "common/base/log.h"

namespace deit::collective {

ExitGuard::ExitGuard(Deadline deadline, WaitDescription awaited)
    : watcher_([this, deadline, awaited = std::move(awaited)] { Watch(deadline, awaited); }) {}

ExitGuard::~ExitGuard() {
  {
    const std::scoped_lock lock(mutex_);
    has_left_ = true;
  }
  left_.notify_one();
  watcher_.join();
}

void ExitGuard::Watch(Deadline deadline, const WaitDescription& awaited) {
  DeadlineTimer patience(deadline);
  std::unique_lock lock(mutex_);
  while (!left_.wait_for(lock, std::chrono::milliseconds(100), [this] { return has_left_; })) {
    if (!patience.Expired()) continue;
    LogError(DeadlineError(deadline, awaited).message());
    std::fflush(nullptr);
    _exit(static_cast<int>(ExitCode::kPeerLost));
  }
}

}  // namespace deit::collective
