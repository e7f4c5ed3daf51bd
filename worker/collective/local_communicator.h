// Communicators between threads of one process: the world of one, and tests of everything that runs on many.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "worker/collective/communicator.h"

namespace deit::collective {

struct LocalOptions {
  std::vector<std::string> hosts = {};                             // one per rank: simulated nodes; empty: all on "localhost"
  size_t shared_memory_room = std::numeric_limits<size_t>::max();  // bytes for each Share(); less forces messages
  absl::Duration setup_limit = absl::Seconds(60);                  // for Share()
};

// `size` members; give element r to the thread that plays rank r. A send finishes when it is received, never before, so that code
// which relies on a library's buffers fails its test. A member that is destroyed has left: what waits for it ends Unavailable.
// Host memory only.
std::vector<std::unique_ptr<Communicator>> NewLocalGroup(int size, const LocalOptions& options = {});

}  // namespace deit::collective
