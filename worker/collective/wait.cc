#include "worker/collective/wait.h"

#include <sched.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace deit::collective {
namespace {

constexpr int kPauses = 2000;
constexpr int kYields = 200;
constexpr absl::Duration kNap = absl::Microseconds(50);
constexpr absl::Duration kStopped = absl::Milliseconds(250);

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Status DeadlineError(const Deadline& deadline, const WaitDescription& awaited) {
  std::string message = absl::StrCat(awaited.event, " within ", absl::FormatDuration(deadline.limit));
  if (!awaited.detail.empty()) absl::StrAppend(&message, " (", awaited.detail, ")");
  return absl::DeadlineExceededError(message);
}

DeadlineTimer::DeadlineTimer(Deadline deadline) : deadline_(deadline), start_(deadline.clock->Elapsed()), last_look_(start_) {}

bool DeadlineTimer::Expired() {
  const absl::Duration now = deadline_.clock->Elapsed();
  const absl::Duration gap = now - last_look_;
  last_look_ = now;
  if (gap > kStopped) longest_stop_ = std::max(longest_stop_, gap);
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

Status WaitAll(absl::Span<const std::unique_ptr<Transfer>> transfers, Deadline deadline, Describe what) {
  return WaitUntil(
      [&]() -> StatusOr<bool> {
        bool all = true;
        for (const std::unique_ptr<Transfer>& transfer : transfers) {
          if (transfer == nullptr) continue;
          DEIT_ASSIGN_OR_RETURN(const bool done, transfer->Test());
          all = all && done;
        }
        return all;
      },
      deadline, what);
}

}  // namespace deit::collective
