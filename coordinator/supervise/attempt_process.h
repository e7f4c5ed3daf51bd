// The processes of one attempt, as the supervisor handles them: its guardian, the launcher below that, and the workers by name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/run/run_folder.h"
#include "launch/launcher.h"
#include "launch/worker_launch.h"
#include "proto/job.pb.h"

namespace deit::supervise {

// Not thread-safe. Destroying it touches no process: an attempt outlives its controller.
class AttemptProcess {
 public:
  // Starts a guardian in a session of its own, which starts `command`.
  static StatusOr<AttemptProcess> Launch(const run::RunFolder& folder, int attempt, const launch::Command& command,
                                         const std::string& temporary_folder);

  // Of an attempt that another process launched; it may have ended.
  static AttemptProcess Adopt(const run::RunFolder& folder, int attempt);

  // Asks the workers to finish their step, save and end (SIGUSR1, which guardian and launcher pass on).
  Status Stop();

  // Kills launcher and workers. Works without the guardian too, with the workers that `workers` names.
  void Kill(const std::vector<v1::ProcessIdentity>& workers);

  // Whether anything of the attempt lives: false means that the guardian has ended and so have launcher and `workers`. What a killed
  // guardian leaves behind is killed and swept on the way.
  bool Lives(const std::vector<v1::ProcessIdentity>& workers);

  // A worker whose process lives but does not run, among the launcher's children: they are known before they introduce themselves.
  std::optional<int> StoppedWorker(const launch::Launcher& launcher);

  // What the guardian wrote at the end; nullopt: it was killed before.
  std::optional<v1::LauncherExit> Exit() const;

  const v1::ProcessIdentity& guardian() const { return record_.guardian(); }

 private:
  AttemptProcess(run::RunFolder folder, int attempt) : folder_(std::move(folder)), attempt_(attempt) {}
  void ReadRecord();
  void Sweep() const;

  run::RunFolder folder_;
  int attempt_;
  v1::GuardianRecord record_;
};

}  // namespace deit::supervise
