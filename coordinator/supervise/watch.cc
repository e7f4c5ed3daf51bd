#include "coordinator/supervise/watch.h"

#include <algorithm>

namespace deit::supervise {
namespace {

using Action = WatchDecision::Action;

constexpr double kStepsOfSilence = 2.5;
constexpr double kStepsOfStall = 10;

WatchDecision Kill(Verdict verdict, absl::Duration waited, size_t worker = 0) {
  return {.action = Action::kKill, .verdict = verdict, .worker = static_cast<int>(worker), .waited = waited};
}

WatchDecision WatchWorker(absl::Duration now, const AttemptWatch& attempt, const WatchLimits& limits, size_t k) {
  const WorkerWatch& worker = attempt.workers[k];
  if (worker.died <= now) return now - worker.died > limits.notice ? Kill(Verdict::kDied, now - worker.died, k) : WatchDecision{};
  if (worker.left) return {};
  if (!worker.spoke) return now - attempt.began > limits.start ? Kill(Verdict::kNotStarted, now - attempt.began, k) : WatchDecision{};
  const absl::Duration limit = std::max(limits.silence, absl::Seconds(kStepsOfSilence * worker.step_seconds));
  return now - worker.heard > limit ? Kill(Verdict::kSilent, now - worker.heard, k) : WatchDecision{};
}

// Evaluation and saving do no steps, and take as long as they take; a worker that waits for another there has its own deadline.
bool MayTakeLong(const std::string& phase) { return phase == "evaluate" || phase == "checkpoint" || phase == "end"; }

}  // namespace

void Hear(absl::Duration now, const v1::Heartbeat& heartbeat, size_t k, AttemptWatch* attempt) {
  WorkerWatch& worker = attempt->workers[k];
  if (heartbeat.step() != worker.step || MayTakeLong(heartbeat.phase())) attempt->progressed = now;
  worker.spoke = true;
  worker.heard = now;
  worker.step = heartbeat.step();
  worker.step_seconds = heartbeat.step_seconds();
}

WatchDecision Watch(absl::Duration now, const AttemptWatch& attempt, const WatchLimits& limits, Wish wish) {
  if (attempt.kill_sent) return {};
  if (wish == Wish::kKill) return Kill(Verdict::kImpatient, absl::ZeroDuration());
  WatchDecision worst;  // of several, the one that is overdue for longest
  for (size_t k = 0; k < attempt.workers.size(); ++k) {
    const WatchDecision decision = WatchWorker(now, attempt, limits, k);
    if (decision.action == Action::kKill && (worst.action == Action::kNone || decision.waited > worst.waited)) worst = decision;
  }
  if (worst.action != Action::kNone) return worst;
  double step_seconds = 0;
  for (const WorkerWatch& worker : attempt.workers) step_seconds = std::max(step_seconds, worker.step_seconds);
  const absl::Duration stall = std::max(limits.stall, absl::Seconds(kStepsOfStall * step_seconds));
  if (step_seconds > 0 && now - attempt.progressed > stall) return Kill(Verdict::kStalled, now - attempt.progressed);
  if (attempt.stop_sent && now - attempt.stop_sent_at > limits.drain) return Kill(Verdict::kImpatient, now - attempt.stop_sent_at);
  // One that has not spoken may not know the signal yet, and would die of it.
  const bool all_know = std::all_of(attempt.workers.begin(), attempt.workers.end(), [](const WorkerWatch& worker) { return worker.spoke; });
  if (wish == Wish::kStop && !attempt.stop_sent && all_know) return {.action = Action::kStop, .verdict = {}, .worker = 0, .waited = {}};
  return {};
}

void Forgive(absl::Duration gap, AttemptWatch* attempt) {
  attempt->began += gap;
  attempt->progressed += gap;
  attempt->stop_sent_at += gap;
  for (WorkerWatch& worker : attempt->workers) {
    worker.heard += gap;
    worker.died += gap;
  }
}

}  // namespace deit::supervise
