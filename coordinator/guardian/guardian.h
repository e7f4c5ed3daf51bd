// The guardian of one attempt: a process of its own session, so that neither Ctrl-C nor the death of deit-coord touches training. It starts
// the launcher, waits, and leaves nothing of the attempt behind.
#pragma once

#include <signal.h>

#include "common/base/status.h"
#include "common/run/run_folder.h"
#include "proto/job.pb.h"

namespace deit::guardian {

// Where a guardian finds its share of the attempt's lock (common/job/attempt_lock.h), which its owner took for it: no moment is without a
// holder.
inline constexpr int kLockDescriptor = 3;

// The signals that a guardian is started with blocked: none of them ends it before it is ready for them.
sigset_t AwaitedSignals();

// The owner's order to kill the attempt: a real-time signal, which neither Slurm nor systemd nor a machine's shutdown sends to all
// processes.
int KillSignal();

// The owner's end of the pipe that is the guardian's standard input. An error where the guardian has ended.
Status SendOrder(int pipe, const v1::GuardianOrder& order);

// The body of `deit-coord guardian RUN_DIR ATTEMPT`; call it from a process with one thread. Waits on standard input for the order that
// says what to start; without all of it nothing begins. Its output goes to the attempt's launcher logs, this process's own too. SIGUSR1,
// and SIGTERM, SIGINT and SIGHUP likewise, ask the workers to save and stop: the launcher gets SIGUSR1 as soon as all of its processes know
// that signal. KillSignal() kills the attempt. When the launcher has ended, whatever outlived it is killed, the temporary folder and dead
// processes' folders in shared memory are removed, and exit.json appears: from then on nothing of the attempt lives. What kept the launcher
// from being started is in exit.json too. If this process is killed, the kernel kills the launcher, and a launcher's death ends its
// workers.
Status RunGuardian(const run::RunFolder& folder, int attempt);

}  // namespace deit::guardian
