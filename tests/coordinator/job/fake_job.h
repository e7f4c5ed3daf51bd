// Fakes for all seams of a job's controller: attempts without processes, a channel without sockets, an observer that remembers.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/process/identity.h"
#include "coordinator/job/attempt_handle.h"
#include "coordinator/job/job_observer.h"
#include "coordinator/job/worker_channel.h"
#include "launch/launcher.h"

namespace deit::job {

// The processes of one attempt, as the test says they are.
struct FakeProcesses {
  bool alive = true;
  bool obeys_kill = true, obeys_force = true;
  std::vector<int64_t> gone;  // pids
  std::vector<int> suspended;
  std::optional<v1::LauncherExit> exit;
  int stops = 0, kills = 0, forced = 0;
  launch::Command command;
  bool adopted = false;

  void End(int exit_code) {
    alive = false;
    exit.emplace().set_exit_code(exit_code);
  }
};

class FakeAttempt final : public AttemptHandle {
 public:
  explicit FakeAttempt(FakeProcesses& processes) : processes_(processes) {}
  Status Stop() override {
    ++processes_.stops;
    return absl::OkStatus();
  }
  Status Kill(const std::vector<v1::ProcessIdentity>&, bool force) override {
    ++(force ? processes_.forced : processes_.kills);
    if (force ? processes_.obeys_force : processes_.obeys_kill) processes_.End(137);
    return absl::OkStatus();
  }
  bool Alive(const std::vector<v1::ProcessIdentity>&) override { return processes_.alive; }
  bool IsGone(const v1::ProcessIdentity& worker) const override {
    return std::find(processes_.gone.begin(), processes_.gone.end(), worker.pid()) != processes_.gone.end();
  }
  std::vector<int> SuspendedWorkers(const std::vector<v1::WorkerRecord>&) override { return processes_.suspended; }
  std::optional<v1::LauncherExit> Exit() const override { return processes_.exit; }
  const v1::ProcessIdentity& guardian() const override { return guardian_; }

 private:
  FakeProcesses& processes_;
  v1::ProcessIdentity guardian_ = process::Self();  // one that lives
};

struct FakeStarter final : AttemptStarter {
  StatusOr<std::unique_ptr<AttemptHandle>> Launch(const run::RunFolder&, int attempt, const launch::Command& command,
                                                  const std::string&) override {
    if (!failures.empty()) {
      const Status failure = failures.back();
      failures.pop_back();
      return failure;
    }
    attempts[attempt].command = command;
    return std::make_unique<FakeAttempt>(attempts[attempt]);
  }
  std::unique_ptr<AttemptHandle> Adopt(const run::RunFolder&, int attempt) override {
    attempts[attempt].adopted = true;
    return std::make_unique<FakeAttempt>(attempts[attempt]);
  }
  std::map<int, FakeProcesses> attempts;
  std::vector<Status> failures;  // of the next launches
};

struct FakeChannel final : WorkerChannel {
  int stops = 0;      // requests
  int reachable = 0;  // workers that a request reaches

  Status Open(Handlers given) override {
    handlers = std::move(given);
    return open_status;
  }
  void Admit(int attempt, int /*workers*/) override { admitted = attempt; }
  int RequestStop() override {
    ++stops;
    return reachable;
  }
  const std::map<std::string, int64_t>& rejected() const override { return counts; }
  void Close() override { closed = true; }

  void Hello(int64_t connection, int attempt, int worker, int workers) {
    WorkerHello hello{.connection = connection, .launch = attempt, .worker = worker, .workers = workers};
    hello.process.set_host("n1");
    hello.process.set_pid(100 + worker);
    handlers.on_hello(hello);
  }
  void Heartbeat(int64_t connection, int64_t step) {
    v1::Heartbeat heartbeat;
    heartbeat.set_step(step);
    heartbeat.set_phase("compute");
    heartbeat.set_step_seconds(0.1);
    handlers.on_heartbeat(connection, heartbeat);
  }

  Handlers handlers;
  Status open_status;
  int admitted = 0;
  bool closed = false;
  std::map<std::string, int64_t> counts;
};

struct FakeLauncher final : launch::Launcher {
  std::string name() const override { return "fakerun"; }
  Status Check() const override { return absl::OkStatus(); }
  launch::Command CommandFor(const launch::WorkerLaunch& launch) const override {
    launch::Command command;
    command.words = {"fakerun", absl::StrCat(launch.workers), launch.program};
    command.words.insert(command.words.end(), launch.words.begin(), launch.words.end());
    return command;
  }
  // "worker 1 died" is all that it says.
  std::optional<launch::LaunchFailure> ReadFailure(absl::string_view text) const override {
    if (!absl::StrContains(text, "worker 1 died")) return std::nullopt;
    return launch::LaunchFailure{.rank = 1, .signal = 9};
  }
  std::optional<int> RankOf(absl::Span<const std::string>) const override { return std::nullopt; }
};

struct FakeObserver final : JobObserver {
  void OnNotice(absl::string_view text) override { notices.emplace_back(text); }
  void OnWarning(absl::string_view text) override { warnings.emplace_back(text); }
  void OnFailure(const FailureReport& report) override { failures.push_back(report); }
  void OnWorkerMessage(absl::string_view line) override { messages.emplace_back(line); }
  void OnWorkerOutput(absl::string_view line) override { output.emplace_back(line); }
  bool ShowsProgress() const override { return shows_progress; }
  void OnProgress(const v1::Progress& shown) override { progress.push_back(shown); }
  void OnResult(const v1::AttemptResult& result) override { results.push_back(result); }

  bool shows_progress = false;
  std::vector<std::string> notices, warnings, messages, output;
  std::vector<FailureReport> failures;
  std::vector<v1::Progress> progress;
  std::vector<v1::AttemptResult> results;
};

}  // namespace deit::job
