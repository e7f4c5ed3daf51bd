// Attempt on this machine under a guardian, as a job's controller handles it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/job/attempt_handle.h"
#include "coordinator/supervise/attempt_process.h"
#include "launch/launcher.h"

namespace deit::supervise {

class GuardedAttempt final : public job::AttemptHandle {
 public:
  // `launcher` outlives it.
  GuardedAttempt(run::RunFolder folder, int attempt, AttemptProcess process, const launch::Launcher& launcher)
      : folder_(std::move(folder)), attempt_(attempt), process_(std::move(process)), launcher_(launcher) {}

  Status Stop() override { return process_.Stop(); }
  Status Kill(const std::vector<v1::ProcessIdentity>& workers, bool force) override;
  bool Alive(const std::vector<v1::ProcessIdentity>& workers) override { return process_.Lives(workers); }
  bool IsGone(const v1::ProcessIdentity& worker) const override;
  std::vector<int> SuspendedWorkers(const std::vector<v1::WorkerRecord>& known) override;
  std::optional<v1::LauncherExit> Exit() const override { return process_.Exit(); }
  const v1::ProcessIdentity& guardian() const override { return process_.guardian(); }

 private:
  run::RunFolder folder_;
  int attempt_;
  AttemptProcess process_;
  const launch::Launcher& launcher_;
};

class GuardedAttemptStarter final : public job::AttemptStarter {
 public:
  explicit GuardedAttemptStarter(const launch::Launcher& launcher) : launcher_(launcher) {}  // outlives it and its attempts

  StatusOr<std::unique_ptr<job::AttemptHandle>> Launch(const run::RunFolder& folder, int attempt, const launch::Command& command,
                                                       const std::string& temporary_folder) override;
  std::unique_ptr<job::AttemptHandle> Adopt(const run::RunFolder& folder, int attempt) override;

 private:
  const launch::Launcher& launcher_;
};

}  // namespace deit::supervise
