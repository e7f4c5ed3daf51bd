// The keeper of one attempt: a process of its own session, so that neither Ctrl-C nor the death of deit-coord touches training. It starts the
// launcher, waits, and leaves nothing of the attempt behind.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/run/run_folder.h"

namespace deit::guardian {

// The body of `deit-coord guardian RUN_DIR ATTEMPT`; call it from a process with one thread. Waits for a byte on standard input, then
// guardian.json says what to start and that it is this process's business; without a byte nothing begins. Its
// output goes to the attempt's launcher logs, this process's own too. SIGUSR1 is passed on to the launcher; SIGTERM kills the attempt.
// When the launcher has ended, whatever outlived it is killed, the temporary folder and dead processes' folders in shared memory are swept,
// and exit.json appears: from then on nothing of the attempt lives. If this process is killed, the kernel kills the launcher, and a launcher's
// death ends its workers.
Status RunGuardian(const run::RunFolder& folder, int attempt);

}  // namespace deit::guardian
