// Open MPI's report of the first failed process of a launch. Pure.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "launch/launcher.h"

namespace deit::launch {

// The first report in mpirun's stderr; nullopt: none. Open MPI 4's texts:
//   "mpirun noticed that process rank 1 with PID 0 on node n1 exited on signal 9 (Killed)."
//   "Process name: [[28061,1],1]" and then "Exit code:    70"
//   "mpirun has exited due to process rank 1 with PID 0 on\nnode n1 exiting improperly."
std::optional<LaunchFailure> FindFailure(absl::string_view text);

}  // namespace deit::launch
