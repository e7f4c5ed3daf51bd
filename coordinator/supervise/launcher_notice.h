// What Open MPI's mpirun says about the first process of a launch that failed. Pure.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"

namespace deit::supervise {

struct LauncherNotice {
  int worker = 0;
  std::optional<int> signal;     // that ended it
  std::optional<int> exit_code;  // with which it ended
  bool improper = false;         // it left without saying goodbye to MPI, with whatever code
};

// Finds it in mpirun's stderr, the first where it says several; nullopt: it says nothing of the kind. Open MPI 4's texts:
//   "mpirun noticed that process rank 1 with PID 0 on node n1 exited on signal 9 (Killed)."
//   "Process name: [[28061,1],1]" and then "Exit code:    70"
//   "mpirun has exited due to process rank 1 with PID 0 on\nnode n1 exiting improperly."
std::optional<LauncherNotice> FindLauncherNotice(absl::string_view text);

}  // namespace deit::supervise
