// The processes of one attempt, as the supervisor handles them: its guardian, the launcher below that, and the workers by name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/job/attempt_lock.h"
#include "common/run/run_folder.h"
#include "launch/launcher.h"
#include "launch/worker_launch.h"
#include "proto/job.pb.h"

namespace deit::supervise {

// Where the launcher of one attempt keeps its files: TMPDIR (else /tmp)/deit-UID-JOB-ATTEMPT. Computed, so that no file can name another
// one.
std::string AttemptTemporaryFolder(const std::string& job, int attempt);

// Not thread-safe. Destroying it touches no process: an attempt outlives its controller.
class AttemptProcess {
 public:
  // Takes the attempt's lock, starts a guardian in a session of its own, and hands the lock and `command` to it.
  static StatusOr<AttemptProcess> Launch(const run::RunFolder& folder, const std::string& job, int attempt, const launch::Command& command,
                                         const std::string& temporary_folder);

  // That of an attempt which another process launched; it may have ended. Files about another job or run folder are not believed.
  static AttemptProcess Adopt(const run::RunFolder& folder, const std::string& job, int attempt);

  // Asks the workers to finish their step, save and end (SIGUSR1 to the guardian, which passes it on as soon as they all know that signal).
  Status Stop();

  // Tells the guardian to kill the attempt; without one it is ForceKill. A guardian that is stopped does not listen: the caller decides how
  // long to wait for it. May be repeated.
  Status Kill(const std::vector<v1::ProcessIdentity>& workers);

  // At once SIGKILL to workers, launcher and guardian, as far as they are known. An error: the first that could not be reached.
  Status ForceKill(const std::vector<v1::ProcessIdentity>& workers);

  // Whether anything of the attempt lives: false once exit.json is there, or when no process holds the attempt's lock. What a killed
  // guardian leaves behind is killed and swept on the way. True where that cannot be told.
  bool Lives(const std::vector<v1::ProcessIdentity>& workers);

  // A worker whose process lives but does not run, among the launcher's children: they are known before they introduce themselves.
  std::optional<int> StoppedWorker(const launch::Launcher& launcher);

  // What the guardian wrote at the end; nullopt: it was killed before.
  std::optional<v1::LauncherExit> Exit() const;

  const v1::ProcessIdentity& guardian() const { return record_.guardian(); }

 private:
  AttemptProcess(run::RunFolder folder, std::string job, int attempt)
      : folder_(std::move(folder)), job_(std::move(job)), attempt_(attempt), lock_(folder_, job_, attempt) {}
  void ReadRecord();
  void KillOrphans(const std::vector<v1::ProcessIdentity>& workers);
  void Sweep() const;

  run::RunFolder folder_;
  std::string job_;
  int attempt_;
  job::AttemptLockProbe lock_;
  v1::GuardianRecord record_;
  absl::Duration orphans_killed_ = -absl::InfiniteDuration();  // Elapsed() of the latest try
};

}  // namespace deit::supervise
