// One outcome for all: whatever happened to one worker, all workers go the same way.
#pragma once

#include <cstdint>
#include "absl/strings/string_view.h"
#include <vector>

#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"

namespace deit::exchange {

// Collective. OK if every worker's status is; else, on all workers, the failure of the lowest worker, prefixed "worker K" where there are
// several workers, with its code, exit code and hint (texts beyond 2 KiB are cut). `what` names the wait.
Status Agree(collective::Communicator& world, collective::Deadline deadline, const Status& mine, absl::string_view what);

// Collective: everybody's number, by worker.
StatusOr<std::vector<uint64_t>> ShareNumbers(collective::Communicator& world, collective::Deadline deadline, uint64_t mine, absl::string_view what);

}  // namespace deit::exchange
