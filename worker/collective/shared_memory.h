// Shared memory between processes of one node, without a name in any file system: nothing to sweep after a kill, and a container's
// small /dev/shm does not limit it.
#pragma once

#include <cstddef>
#include <memory>

#include "common/base/status.h"
#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"

namespace deit::collective {

// Communicator::Share for processes. Worker 0 makes an anonymous file (memfd_create(2)), the others open it through
// /proc/PID/fd/N; each reserves its own part, so that a lack of room is an answer and not a later SIGBUS; then all agree by one
// exchange. `room`: at most so many bytes in all.
StatusOr<std::unique_ptr<SharedMemory>> ShareOnNode(Communicator& group, size_t bytes, size_t room, Deadline deadline);

}  // namespace deit::collective
