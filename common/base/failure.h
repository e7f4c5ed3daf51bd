// Prints the error message of a failed program.
#pragma once

#include "common/base/status.h"

namespace deit {

// To stderr: "NAME: error: message", where NAME is log.h's; the bare message where it has its own places; then "hint: ..."
// if there is one. Thread-safe.
void LogFailure(const Status& status);

}  // namespace deit
