// Graceful stop on SIGUSR1, SIGTERM or SIGINT: the training loop polls the request once per step, and all workers agree in the step's small
// exchange, so that all finish the same step, save, and exit 75.
#pragma once

namespace deit::process {

// Once, in main(), before threads start. A second SIGINT ends the process at once; the other two may come again (mpirun and Slurm
// both send them). Waiting system calls go on after the signal.
void InstallStopSignals();

// Asks for the same stop without a signal: a command of the job's owner. Thread-safe.
void RequestStop();

bool StopRequested();

// The first cause: "SIGUSR1", "SIGTERM", "SIGINT", or "deit-coord" for RequestStop(); "" while there is none.
const char* StopCause();

}  // namespace deit::process
