#include "worker/train/record_keeper.h"

#include <chrono>
#include <system_error>

#include "absl/time/clock.h"
#include "common/base/log.h"
#include "common/base/unix_time.h"

namespace deit::train {
namespace {

constexpr std::chrono::seconds kInterval(1);

}  // namespace

RecordKeeper::RecordKeeper(job::JobStore* owner, const control::WorkerProgress* worker_progress)
    : owner_(owner), worker_progress_(worker_progress) {
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    LogWarning(absl::StrCat("the job's record is refreshed by steps alone: ", error.what()));
  }
}

RecordKeeper::~RecordKeeper() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_.NotifyOne();
  if (thread_.joinable()) thread_.join();
}

void RecordKeeper::Locked(absl::FunctionRef<void()> body) {
  const MutexLock lock(mutex_);
  body();
}

void RecordKeeper::Show(metrics::Progress* progress) {
  const MutexLock lock(mutex_);
  progress_ = progress;
}

void RecordKeeper::Run() {
  const MutexLock lock(mutex_);
  while (!stopping_) {
    const auto next = std::chrono::steady_clock::now() + kInterval;
    while (!stopping_ && stop_.WaitUntil(mutex_, next)) {
    }
    if (!stopping_) Refresh();
  }
}

// Worker 0 knows of the others by what it does with them: a step is done when all have done it.
void RecordKeeper::Refresh() {
  if (progress_ != nullptr) progress_->Refresh();
  if (owner_ == nullptr) return;
  const double now = UnixSeconds(absl::Now());
  for (v1::WorkerRecord& worker : *owner_->record().mutable_workers()) {
    worker.set_step(static_cast<int64_t>(worker_progress_->steps_done()));
    worker.set_phase(worker_progress_->phase());
    worker.set_heard(now);
  }
  owner_->PublishIfStale();
}

}  // namespace deit::train
