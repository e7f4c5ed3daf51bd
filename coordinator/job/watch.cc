#include "coordinator/job/watch.h"

#include <algorithm>

namespace deit::job {
namespace {

constexpr double kStepsOfSilence = 2.5;

WatchDecision Kill(Verdict verdict, absl::Duration waited, size_t worker = 0) {
  return {.action = WatchAction::kKill, .verdict = verdict, .worker = static_cast<int>(worker), .waited = waited};
}

WatchDecision WatchWorker(absl::Duration now, const LaunchState& launch, const WatchLimits& limits, size_t k) {
  const WorkerState& worker = launch.workers[k];
  if (worker.left) return {};
  if (worker.gone) return now - *worker.gone > limits.notice ? Kill(Verdict::kDied, now - *worker.gone, k) : WatchDecision{};
  if (!worker.spoke) return now - launch.began > limits.start ? Kill(Verdict::kNotStarted, now - launch.began, k) : WatchDecision{};
  const absl::Duration limit = std::max(limits.silence, absl::Seconds(kStepsOfSilence * worker.step_seconds));
  return now - worker.heard > limit ? Kill(Verdict::kSilent, now - worker.heard, k) : WatchDecision{};
}

// Of several overdue workers, the one that is overdue for longest.
WatchDecision WatchWorkers(absl::Duration now, const LaunchState& launch, const WatchLimits& limits) {
  WatchDecision worst;
  for (size_t k = 0; k < launch.workers.size(); ++k) {
    const WatchDecision decision = WatchWorker(now, launch, limits, k);
    if (decision.action == WatchAction::kKill && (worst.action == WatchAction::kNone || decision.waited > worst.waited)) worst = decision;
  }
  return worst;
}

WatchDecision WatchKill(absl::Duration now, const KillState& kill, const WatchLimits& limits) {
  const absl::Duration wait = kill.count == 1 ? limits.escalate : limits.repeat;
  if (now - kill.sent < wait) return {};
  return {.action = WatchAction::kForceKill, .verdict = kill.verdict, .worker = kill.worker, .waited = kill.waited};
}

bool IsSaving(const std::string& phase) { return phase == "checkpoint" || phase == "end"; }

// Phases of a worker before training.
bool IsLoading(const std::string& phase) {
  return phase == "start" || phase == "open data" || phase == "read weights" || phase == "build model" || phase == "load";
}

// Until an attempt without a piece of work is stalled. One piece may be a whole file, or a listing of all data.
absl::Duration IdleLimit(const LaunchState& launch, const WatchLimits& limits) {
  const auto takes_any_time = [](const WorkerState& worker) { return IsSaving(worker.phase) || IsLoading(worker.phase); };
  const bool any = std::any_of(launch.workers.begin(), launch.workers.end(), takes_any_time);
  return any ? std::max(limits.phase, limits.stall) : limits.stall;
}

}  // namespace

void RecordHeartbeat(absl::Duration now, const v1::Heartbeat& heartbeat, int worker, LaunchState* launch) {
  WorkerState& state = launch->workers[static_cast<size_t>(worker)];
  const bool moved = heartbeat.pieces() != state.pieces || heartbeat.step() != state.step || heartbeat.phase() != state.phase;
  // After a graceful stop only a save is progress: training and evaluation are to end.
  if (moved && (!launch->stopping || IsSaving(heartbeat.phase()))) launch->progressed = now;
  state.spoke = true;
  state.heard = now;
  state.step = heartbeat.step();
  state.phase = heartbeat.phase();
  state.pieces = heartbeat.pieces();
  state.step_seconds = heartbeat.step_seconds();
}

WatchDecision Watch(absl::Duration now, const LaunchState& launch, const WatchLimits& limits, DesiredState desired) {
  if (launch.kill) return WatchKill(now, *launch.kill, limits);
  if (desired == DesiredState::kKilled) return Kill(Verdict::kForceKilled, absl::ZeroDuration());
  if (const WatchDecision worst = WatchWorkers(now, launch, limits); worst.action != WatchAction::kNone) return worst;

  const absl::Duration idle = now - launch.progressed;
  if (launch.stopping) {
    const absl::Duration waited = std::min(idle, now - *launch.stopping);
    return waited > limits.drain ? Kill(Verdict::kNotDrained, waited) : WatchDecision{};
  }
  if (idle > IdleLimit(launch, limits)) return Kill(Verdict::kStalled, idle);
  // A worker that has not introduced itself may not handle the signal yet, and would die of it.
  const auto spoke = [](const WorkerState& worker) { return worker.spoke; };
  const bool all_spoke = std::all_of(launch.workers.begin(), launch.workers.end(), spoke);
  if (desired == DesiredState::kStopped && all_spoke) return {.action = WatchAction::kStop, .verdict = {}, .worker = 0, .waited = {}};
  return {};
}

void ExtendDeadlines(absl::Duration gap, LaunchState* launch) {
  launch->began += gap;
  launch->progressed += gap;
  if (launch->stopping) *launch->stopping += gap;
  if (launch->kill) launch->kill->sent += gap;
  for (WorkerState& worker : launch->workers) {
    worker.heard += gap;
    if (worker.gone) *worker.gone += gap;
  }
}

}  // namespace deit::job
