// Attempt on this machine under a guardian, as a job's controller handles it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/job/attempt_handle.h"
#include "coordinator/supervise/attempt_process.h"
#include "launch/launcher.h"

namespace deit::supervise {

class GuardedAttempt final : public job::AttemptHandle {
 public:
  // `launcher` outlives it.
  GuardedAttempt(AttemptProcess process, const launch::Launcher& launcher) : process_(std::move(process)), launcher_(launcher) {}

  Status Stop() override { return process_.Stop(); }
  Status Kill(const std::vector<v1::ProcessIdentity>& workers, bool force) override;
  bool Alive(const std::vector<v1::ProcessIdentity>& workers) override { return process_.Lives(workers); }
  bool IsGone(const v1::ProcessIdentity& worker) const override;
  std::vector<int> SuspendedWorkers(const std::vector<v1::WorkerRecord>& known) override;
  std::optional<v1::LauncherExit> Exit() const override { return process_.Exit(); }
  const v1::ProcessIdentity& guardian() const override { return process_.guardian(); }

 private:
  AttemptProcess process_;
  const launch::Launcher& launcher_;
};

class GuardedAttemptStarter final : public job::AttemptStarter {
 public:
  // `launcher` outlives it and its attempts.
  GuardedAttemptStarter(std::string job, const launch::Launcher& launcher) : job_(std::move(job)), launcher_(launcher) {}

  StatusOr<std::unique_ptr<job::AttemptHandle>> Launch(const run::RunFolder& folder, int attempt, const launch::Command& command,
                                                       const std::string& temporary_folder) override;
  std::unique_ptr<job::AttemptHandle> Adopt(const run::RunFolder& folder, int attempt) override;

 private:
  const std::string job_;
  const launch::Launcher& launcher_;
};

}  // namespace deit::supervise
