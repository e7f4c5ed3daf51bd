// The graceful stop: SIGUSR1, SIGTERM or SIGINT ask for it; the training loop looks between pieces of work, and all workers agree on where
// they stop, save, and exit 75.
#pragma once

#include "absl/time/time.h"

namespace deit::process {

// Once, in main(), before threads start. A second SIGINT ends the process at once; the other two may come again (mpirun and Slurm
// both send them). Waiting system calls go on after the signal. SIGPIPE is ignored: a reader of messages that goes away ends nothing.
void InstallStopSignals();

// The default effect of the signals again, for work that has nothing to save. Thread-safe.
void RestoreStopSignals();

// Asks for the same stop without a signal: a command of the job's owner. Thread-safe.
void RequestStop();

bool StopRequested();

// When it was requested, as Clock::System().Elapsed(); InfiniteDuration while it was not.
absl::Duration StopRequestedAt();

// The first cause: "SIGUSR1", "SIGTERM", "SIGINT", or "deit-coord" for RequestStop(); "" while there is none.
const char* StopCause();

}  // namespace deit::process
