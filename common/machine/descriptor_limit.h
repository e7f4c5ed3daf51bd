// The limit on open files of this process.
#pragma once

#include <cstdint>

namespace deit::machine {

inline constexpr uint64_t kMostDescriptors = 1 << 20;  // child processes inherit the limit, and some close every number below it

// Raises the soft limit to the hard one, or to kMostDescriptors, and returns what it is then. Called early in main(), before threads and child
// processes: the owner of a job has a connection to each worker.
uint64_t RaiseDescriptorLimit();

}  // namespace deit::machine
