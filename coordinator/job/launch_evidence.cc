#include "coordinator/job/launch_evidence.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace deit::job {
namespace {

double Seconds(absl::Duration time) { return absl::ToDoubleSeconds(time); }

template <typename Predicate>
bool AllWorkers(const LaunchState& launch, Predicate predicate) {
  return std::all_of(launch.workers.begin(), launch.workers.end(), predicate);
}

WorkerEvidence WorkerEvidenceOf(const WorkerState& state, int worker, const AttemptOutcome& outcome, const std::string& host) {
  WorkerEvidence evidence;
  evidence.worker = worker;
  evidence.host = state.process ? state.process->host() : host;
  evidence.spoke = state.process.has_value();
  if (evidence.spoke) evidence.rank = state.rank;
  evidence.left = state.left;
  evidence.suspended = state.suspended;
  if (state.gone) evidence.closed = Seconds(state.closed ? std::min(*state.closed, *state.gone) : *state.gone);
  evidence.step = std::max<int64_t>(state.step, 0);
  evidence.phase = state.phase;
  if (const auto error = outcome.errors.find(worker); error != outcome.errors.end()) evidence.error = error->second;
  return evidence;
}

}  // namespace

Evidence EvidenceOf(const LaunchState& launch, const AttemptOutcome& outcome, const std::string& launcher, const std::string& host) {
  Evidence evidence;
  evidence.launcher = launcher;
  if (launch.kill) {
    evidence.verdict = launch.kill->verdict;
    evidence.verdict_worker = launch.kill->worker;
    evidence.verdict_seconds = Seconds(launch.kill->waited);
  }
  evidence.exit = outcome.exit;
  evidence.failure = outcome.failure;
  evidence.result = outcome.result;
  for (size_t k = 0; k < launch.workers.size(); ++k) {
    evidence.workers.push_back(WorkerEvidenceOf(launch.workers[k], static_cast<int>(k), outcome, host));
  }
  return evidence;
}

absl::Duration FailedAt(const LaunchState& launch, const AttemptOutcome& outcome, absl::Duration noticed) {
  absl::Duration failed = noticed;
  if (launch.kill && launch.kill->verdict == Verdict::kSilent) failed = noticed - launch.kill->waited;
  for (const WorkerState& worker : launch.workers) {
    if (worker.gone) failed = std::min(failed, worker.closed.value_or(*worker.gone));
  }
  return std::min(failed, outcome.launcher_ended.value_or(failed));
}

void FillBeginning(const LaunchState& launch, RecoveryTimeline* timeline) {
  timeline->spoken = launch.spoken;
  if (AllWorkers(launch, [](const WorkerState& worker) { return worker.loaded.has_value(); })) {
    for (const WorkerState& worker : launch.workers) timeline->loaded = std::max(timeline->loaded.value_or(*worker.loaded), *worker.loaded);
  }
  for (const WorkerState& worker : launch.workers) {
    if (worker.first_done) timeline->first_done = std::max(timeline->first_done.value_or(*worker.first_done), *worker.first_done);
  }
}

bool AllSpoke(const LaunchState& launch) {
  return AllWorkers(launch, [](const WorkerState& worker) { return worker.spoke; });
}

std::string DescribeWorkers(const LaunchState& launch) {
  std::vector<std::string> texts;
  for (size_t k = 0; k < launch.workers.size(); ++k) {
    const WorkerState& worker = launch.workers[k];
    if (worker.process) texts.push_back(absl::StrCat("worker ", k, ": step ", std::max<int64_t>(worker.step, 0), ", phase ", worker.phase));
    else texts.push_back(absl::StrCat("worker ", k, ": had not introduced itself"));
  }
  return absl::StrJoin(texts, "; ");
}

}  // namespace deit::job
