// Output of a short program, for questions such as its version.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/status.h"

namespace deit::launch {

// Runs `words` (found through PATH) without input and returns its stdout and stderr together, at most 64 KiB of them, whatever its exit
// code. NotFound: no such program; DeadlineExceeded: still running after `limit`, and killed. Thread-safe.
StatusOr<std::string> ProgramOutput(const std::vector<std::string>& words, absl::Duration limit);

}  // namespace deit::launch
