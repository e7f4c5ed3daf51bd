// Interruption of verbs that run until an event or Ctrl-C. Main thread only.
#pragma once

#include "absl/time/time.h"

namespace deit::cli {

// From now on the first SIGINT (Ctrl-C) is only noticed; the second one ends the program at once. Idempotent.
void CatchInterrupts();

// Waits for so long, or until a SIGINT comes or has come; false after one.
bool SleepUnlessInterrupted(absl::Duration duration);

// For verbs that may have nothing to write for long: where standard output is a pipe without a reader, ends the program as a
// write to it would, quietly by SIGPIPE.
void EndIfNobodyReads();

}  // namespace deit::cli
