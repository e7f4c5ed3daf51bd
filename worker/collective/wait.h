// Waits for other workers, each with a deadline that is named when it passes (law 6).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "worker/collective/communicator.h"

namespace deit::collective {

// How far those are that a wait is for. Thread-safe.
class ProgressSource {
 public:
  virtual ~ProgressSource() = default;
  virtual uint64_t Progress() const = 0;  // changes whenever any of them has done a piece of work; need not be cheap
};

// Each wait may take `limit` without progress, counted from its own beginning and then from the last change of `progress`, seen within a
// sixty-fourth of the limit. Without a source it may take `limit` in all.
struct Deadline {
  absl::Duration limit;
  Clock* clock = &Clock::System();
  const ProgressSource* progress = nullptr;  // not owned
};

// One wait's account of its deadline. A waiter that was itself kept from running for more than 250 ms between two looks (stopped,
// suspended) gets the longest such time back: the others may have waited for it meanwhile. Not thread-safe.
class DeadlineTimer {
 public:
  explicit DeadlineTimer(Deadline deadline);
  bool Expired();  // looks at the clock

 private:
  void Renew(absl::Duration now);

  const Deadline deadline_;
  absl::Duration start_;  // of the wait, or of its latest renewal
  absl::Duration last_look_;
  absl::Duration longest_stop_;
  absl::Duration next_sample_;
  uint64_t progress_ = 0;
};

// What did not happen, for the message "EVENT within 30s (DETAIL)", or "EVENT: no progress for 30s (DETAIL)" of a deadline that is renewed:
// {"worker 1 did not deliver bucket 3 of step 12", "last reported: step 11, phase update"}.
struct WaitDescription {
  std::string event;
  std::string detail;  // may be empty
};
Status DeadlineError(const Deadline& deadline, const WaitDescription& awaited);  // that message, as DeadlineExceeded (exit 69)

// Whether a failure is of a wait, or of a message to or from a peer: others may be gone, so nothing more can be agreed on with them.
bool IsPeerFailure(const Status& status);

using Describe = absl::FunctionRef<WaitDescription()>;  // called only when the deadline has passed

// Calls `ready` until it returns true or an error: 2,000 times with a pause, 200 times with sched_yield, then between naps of 50 us
// (latency first, then nothing is taken from computing threads). Expired() once patience is exhausted.
Status WaitUntil(absl::FunctionRef<StatusOr<bool>()> ready, Deadline deadline, Describe what);

// Until the transfer has finished.
Status Wait(Transfer& transfer, Deadline deadline, Describe what);

// Whether all have finished; tests all of them in turn, so that all make progress. Null entries count as finished. Never blocks.
StatusOr<bool> AllDone(absl::Span<const std::unique_ptr<Transfer>> transfers);

// Until AllDone.
Status WaitAll(absl::Span<const std::unique_ptr<Transfer>> transfers, Deadline deadline, Describe what);

}  // namespace deit::collective
