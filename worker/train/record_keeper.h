// Thread that refreshes a run's record and progress.json in every phase, however long the training thread is busy.
#pragma once

#include <thread>

#include "absl/functional/function_ref.h"
#include "common/base/mutex.h"
#include "common/control/worker_progress.h"
#include "common/job/job_store.h"
#include "common/metrics/progress.h"

namespace deit::train {

// Worker 0's: a thread that looks every second. The owner and the progress are touched under the keeper's lock only, since they are not
// thread-safe: by the thread, and by the caller through Locked().
class RecordKeeper {
 public:
  // `owner`: null under deit-coord run, which keeps the record itself. Both outlive it.
  RecordKeeper(job::JobStore* owner, const control::WorkerProgress* worker_progress);
  ~RecordKeeper();  // stops the thread
  RecordKeeper(const RecordKeeper&) = delete;
  RecordKeeper& operator=(const RecordKeeper&) = delete;

  void Locked(absl::FunctionRef<void()> body);

  // What is refreshed besides; null: nothing. Not owned.
  void Show(metrics::Progress* progress);

 private:
  void Run();
  void Refresh() DEIT_REQUIRES(mutex_);

  job::JobStore* const owner_;
  const control::WorkerProgress* const worker_progress_;
  Mutex mutex_;
  CondVar stop_;
  bool stopping_ DEIT_GUARDED_BY(mutex_) = false;
  metrics::Progress* progress_ DEIT_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

}  // namespace deit::train
