#include "worker/collective/wait.h"

#include <sched.h>

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace deit::collective {
namespace {

constexpr int kPauses = 2000;
constexpr int kYields = 200;
constexpr absl::Duration kNap = absl::Microseconds(50);
constexpr absl::Duration kStopped = absl::Milliseconds(250);
constexpr int kSamples = 64;  // of progress, in one limit
constexpr absl::string_view kWaitUrl = "deit/wait";

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Status DeadlineError(const Deadline& deadline, const WaitDescription& awaited) {
  const char* const within = deadline.progress == nullptr ? " within " : ": no progress for ";
  std::string message = absl::StrCat(awaited.event, within, absl::FormatDuration(deadline.limit));
  if (!awaited.detail.empty()) absl::StrAppend(&message, " (", awaited.detail, ")");
  Status expired = absl::DeadlineExceededError(message);
  expired.SetPayload(kWaitUrl, absl::Cord());
  return expired;
}

bool IsPeerFailure(const Status& status) { return absl::IsUnavailable(status) || status.GetPayload(kWaitUrl).has_value(); }

DeadlineTimer::DeadlineTimer(Deadline deadline) : deadline_(deadline) { Renew(deadline_.clock->Elapsed()); }

void DeadlineTimer::Renew(absl::Duration now) {
  start_ = last_look_ = now;
  longest_stop_ = absl::ZeroDuration();
  next_sample_ = now + deadline_.limit / kSamples;
  if (deadline_.progress != nullptr) progress_ = deadline_.progress->Progress();
}

bool DeadlineTimer::Expired() {
  const absl::Duration now = deadline_.clock->Elapsed();
  const absl::Duration gap = now - last_look_;
  last_look_ = now;
  if (gap > kStopped) longest_stop_ = std::max(longest_stop_, gap);
  if (deadline_.progress != nullptr && now >= next_sample_) {
    next_sample_ = now + deadline_.limit / kSamples;
    if (deadline_.progress->Progress() != progress_) Renew(now);
  }
  return now - start_ > deadline_.limit + longest_stop_;
}

Status WaitUntil(absl::FunctionRef<StatusOr<bool>()> ready, Deadline deadline, Describe what) {
  for (int round = 0; round < kPauses; ++round) {
    DEIT_ASSIGN_OR_RETURN(const bool done, ready());
    if (done) return absl::OkStatus();
    Pause();
  }
  DeadlineTimer patience(deadline);
  for (int round = 0;; round += round < kYields) {
    DEIT_ASSIGN_OR_RETURN(const bool done, ready());
    if (done) return absl::OkStatus();
    if (patience.Expired()) return DeadlineError(deadline, what());
    if (round < kYields) {
      sched_yield();
    } else {
      deadline.clock->Sleep(kNap);
    }
  }
}

Status Wait(Transfer& transfer, Deadline deadline, Describe what) {
  return WaitUntil([&] { return transfer.Test(); }, deadline, what);
}

StatusOr<bool> AllDone(absl::Span<const std::unique_ptr<Transfer>> transfers) {
  bool all = true;
  for (const std::unique_ptr<Transfer>& transfer : transfers) {
    if (transfer == nullptr) continue;
    DEIT_ASSIGN_OR_RETURN(const bool done, transfer->Test());
    all = all && done;
  }
  return all;
}

Status WaitAll(absl::Span<const std::unique_ptr<Transfer>> transfers, Deadline deadline, Describe what) {
  return WaitUntil([&] { return AllDone(transfers); }, deadline, what);
}

}  // namespace deit::collective
