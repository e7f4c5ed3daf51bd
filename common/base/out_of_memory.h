// Out-of-memory errors: the job is too large for this machine, no matter which allocation fails.
#pragma once

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit {

// ResourceExhausted with exit code 64 and the hint that helps; "WHAT: not enough memory". `what` names what needed it, and how much.
Status OutOfMemory(absl::string_view what);

// From now on a failed `new` ends the process with such a message instead of an uncaught exception.
void InstallOutOfMemoryHandler();

}  // namespace deit
