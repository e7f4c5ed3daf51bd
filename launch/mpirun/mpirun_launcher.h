// Open MPI's mpirun as a launcher.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "launch/launcher.h"

namespace deit::launch {

// On this machine alone: loopback only, so that no network is touched. When one worker dies the others are killed at once
// (odls_base_sigkill_timeout 0), without which a restart waits a second: the graceful signal is SIGUSR1, which mpirun passes on.
// Workers are not bound to cores: Open MPI would bind those of every job to the same ones.
class MpirunLauncher final : public Launcher {
 public:
  // `version`: what "mpirun --version" prints; NotFound without the program. A test replaces it.
  using VersionText = std::function<StatusOr<std::string>()>;
  explicit MpirunLauncher(VersionText version = AskVersion) : version_(std::move(version)) {}

  std::string name() const override { return "mpirun"; }

  // FailedPrecondition also inside of a launch by mpirun. Other MPIs' mpirun starts every worker as a world of its own, all of which would
  // write the same run folder: refused.
  Status Check() const override;

  Command CommandFor(const WorkerLaunch& launch) const override;
  std::optional<LaunchFailure> ReadFailure(absl::string_view stderr_text) const override;
  std::optional<int> RankOf(absl::Span<const std::string> environment) const override;

 private:
  static StatusOr<std::string> AskVersion();
  VersionText version_;
};

}  // namespace deit::launch
