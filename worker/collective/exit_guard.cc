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
    const MutexLock lock(mutex_);
    has_left_ = true;
  }
  left_.NotifyOne();
  watcher_.join();
}

void ExitGuard::Watch(Deadline deadline, const WaitDescription& awaited) {
  DeadlineTimer patience(deadline);
  const MutexLock lock(mutex_);
  while (!has_left_) {
    if (left_.WaitUntil(mutex_, std::chrono::steady_clock::now() + std::chrono::milliseconds(100)) || !patience.Expired()) continue;
    LogError(DeadlineError(deadline, awaited).message());
    std::fflush(nullptr);
    _exit(static_cast<int>(ExitCode::kPeerLost));
  }
}

}  // namespace deit::collective
