// Seam for the program that starts a job's workers. One implementation per folder below launch/ (mpirun/); nothing outside launch/ and
// worker/collective/ knows a launcher's words.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/base/status.h"
#include "launch/worker_launch.h"

namespace deit::launch {

// First failed worker of a launch, as the launcher reports it.
struct LaunchFailure {
  int rank = 0;
  std::optional<int> signal = {};     // that ended it
  std::optional<int> exit_code = {};  // with which it ended
  bool improper = false;              // it left without finalizing, with whatever code
};

// Thread-safe.
class Launcher {
 public:
  virtual ~Launcher() = default;

  // Program name for messages and causes: "mpirun".
  virtual std::string name() const = 0;

  // OK when launches on this machine can work. May start the program to ask for its version; takes at most ten seconds.
  // NotFound: not installed; FailedPrecondition: another program of the same name. Both carry a hint.
  virtual Status Check() const = 0;

  // Command that starts the workers and ends when all of them have ended. Pure.
  virtual Command CommandFor(const WorkerLaunch& launch) const = 0;

  // First failed worker in the launcher's stderr, which may hold other text too; nullopt: no report of one. Pure.
  virtual std::optional<LaunchFailure> ReadFailure(absl::string_view stderr_text) const = 0;

  // Worker number of a process, from its environment ("NAME=value" each); nullopt: not started by this launcher. Pure.
  virtual std::optional<int> RankOf(absl::Span<const std::string> environment) const = 0;
};

}  // namespace deit::launch
