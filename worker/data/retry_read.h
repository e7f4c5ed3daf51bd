// Reads again what a disk or network file system failed to give, for a while.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/status.h"

namespace deit::data {

// Whether another try may go better: an I/O error, a stale handle, no descriptor or memory left; not a missing file or a lacking permission.
bool MayPass(const Status& status);

// `read` until it is OK, fails in a way that does not pass, or has failed for `limit`: at once, then after naps that double from 50 ms to 2 s.
// Returns its last status; one that may pass and did not, says how long it was tried. Thread-safe if `read` is.
Status RetryRead(absl::Duration limit, absl::FunctionRef<Status()> read, Clock& clock = Clock::System());

}  // namespace deit::data
