#include "coordinator/api/cancel_decision.h"

namespace deit::api {

using process::Life;
using v1::JobState;

const v1::ProcessIdentity* StopReceiver(const JobSnapshot& snapshot) {
  const job::Observation& seen = snapshot.observation;
  if (seen.evidence.owner == Life::kAlive && seen.evidence.owner_reachable) return &seen.record.owner();
  if (seen.evidence.guardian == Life::kAlive) return &seen.record.guardian();
  for (size_t i = 0; i < seen.evidence.workers.size(); ++i) {
    if (seen.evidence.workers[i] == Life::kAlive) return &seen.record.workers(static_cast<int>(i)).process();
  }
  return nullptr;
}

bool IsEndedForGood(const JobSnapshot& snapshot) { return snapshot.over() && snapshot.health.state != JobState::STOPPED; }

CancelDecision DecideCancel(const JobSnapshot& snapshot, int64_t signaled, absl::Duration elapsed, absl::Duration timeout) {
  if (snapshot.over()) {
    const bool recorded = snapshot.observation.record.has_ended();
    const bool stopped = snapshot.health.state == JobState::STOPPED;
    const bool canceled = snapshot.health.state == JobState::CANCELED;
    return {stopped || (canceled && !recorded) ? CancelAction::kRecordCanceled : CancelAction::kFinish};
  }
  const v1::ProcessIdentity* receiver = StopReceiver(snapshot);
  if (receiver != nullptr && receiver->pid() != signaled) return {CancelAction::kSignal, receiver};
  return {elapsed >= timeout ? CancelAction::kTimeOut : CancelAction::kWait};
}

}  // namespace deit::api
