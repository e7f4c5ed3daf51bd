// Watchdog for blocking library calls that cannot be interrupted: MPI_Init, MPI_Comm_create_group, MPI_Finalize.
#pragma once

#include <thread>

#include "common/base/mutex.h"
#include "worker/collective/wait.h"

namespace deit::collective {

// While it lives, a thread watches; when the deadline passes, it prints "EVENT within LIMIT" and ends the process with 69.
class ExitGuard {
 public:
  ExitGuard(Deadline deadline, WaitDescription awaited);
  ~ExitGuard();
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;

 private:
  void Watch(Deadline deadline, const WaitDescription& awaited);

  Mutex mutex_;
  CondVar left_;
  bool has_left_ DEIT_GUARDED_BY(mutex_) = false;
  std::thread watcher_;
};

}  // namespace deit::collective
