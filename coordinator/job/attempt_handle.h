// Seam for the processes of an attempt, as a job's controller handles them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/run/run_folder.h"
#include "launch/worker_launch.h"
#include "proto/job.pb.h"

namespace deit::job {

// Not thread-safe. Destroying it touches no process: an attempt outlives its controller.
class AttemptHandle {
 public:
  virtual ~AttemptHandle() = default;

  // Asks the workers to finish their step, save and end.
  virtual Status Stop() = 0;

  // Ends all processes of the attempt; `workers` are those that are known. Without `force` the attempt's guardian is asked to do it;
  // with `force` each process is killed directly. May be repeated; OK: sent, and nothing more.
  virtual Status Kill(const std::vector<v1::ProcessIdentity>& workers, bool force) = 0;

  // Whether anything of the attempt lives. False is final, and no process of the attempt writes afterwards.
  virtual bool Alive(const std::vector<v1::ProcessIdentity>& workers) = 0;

  // Whether this worker's process has ended for certain.
  virtual bool IsGone(const v1::ProcessIdentity& worker) const = 0;

  // Workers, known or not, whose processes live but are stopped by a signal.
  virtual std::vector<int> SuspendedWorkers(const std::vector<v1::WorkerRecord>& known) = 0;

  // How the launcher ended; nullopt: that is not on record.
  virtual std::optional<v1::LauncherExit> Exit() const = 0;

  virtual const v1::ProcessIdentity& guardian() const = 0;
};

class AttemptStarter {
 public:
  virtual ~AttemptStarter() = default;

  // Starts an attempt whose folder has been made. An error: no process of it runs.
  virtual StatusOr<std::unique_ptr<AttemptHandle>> Launch(const run::RunFolder& folder, int attempt, const launch::Command& command,
                                                          const std::string& temporary_folder) = 0;

  // That of an attempt which another controller launched; it may have ended.
  virtual std::unique_ptr<AttemptHandle> Adopt(const run::RunFolder& folder, int attempt) = 0;
};

}  // namespace deit::job
