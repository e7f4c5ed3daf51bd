// Proof that all workers of a launch run the same program: what they exchange is laid out by it alone.
#pragma once

#include "absl/strings/string_view.h"
#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"

namespace deit::exchange {

// Collective, before anything else is exchanged. `build_id`: of this worker's program (process::BuildId). InvalidArgument on all workers where
// one differs from worker 0's, naming the lowest such worker.
Status ProveSameProgram(collective::Communicator& world, collective::Deadline deadline, absl::string_view build_id);

}  // namespace deit::exchange
