// Waiting for others, always with a deadline that is named when it passes (law 6).
#pragma once

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "worker/collective/communicator.h"

namespace deit::collective {

// Each wait may take `limit`, counted from its own beginning.
struct Deadline {
  absl::Duration limit;
  Clock* clock = &Clock::System();
};

// What did not happen, for the message "EVENT within 30s (DETAIL)":
// {"worker 1 did not deliver bucket 3 of step 12", "last reported: step 11, phase update"}.
struct Awaited {
  std::string event;
  std::string detail;  // may be empty
};
using Describe = absl::FunctionRef<Awaited()>;  // called only when the deadline has passed

// Calls `ready` until it returns true or an error: 2,000 times with a pause, 200 times with sched_yield, then between naps of 50 us
// (latency first, then nothing is taken from computing threads). DeadlineExceeded (exit 69) after the limit. A waiter that was itself
// kept from running for more than 250 ms (stopped, suspended) gets that time back, once: others may have waited for it.
Status WaitUntil(absl::FunctionRef<StatusOr<bool>()> ready, Deadline deadline, Describe what);

// Until the transfer has finished.
Status Wait(Transfer& transfer, Deadline deadline, Describe what);

// Until all have finished; tests all of them in turn, so that all make progress. Null entries count as finished.
Status WaitAll(absl::Span<const std::unique_ptr<Transfer>> transfers, Deadline deadline, Describe what);

}  // namespace deit::collective
