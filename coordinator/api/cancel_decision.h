// Decides the next action of a cancellation. Pure.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "coordinator/api/job_handle.h"

namespace deit::api {

enum class CancelAction {
  kSignal,          // ask `receiver` to save and stop
  kWait,            // for the end
  kRecordCanceled,  // it saved and stopped, but no owner recorded that for good: record it
  kFinish,          // it is over
  kTimeOut,
};

struct CancelDecision {
  CancelAction action;
  const v1::ProcessIdentity* receiver = nullptr;  // of kSignal; in the snapshot
};

// The process that makes the job stop: its owner; while none lives, the guardian of its attempt, else any of its workers. Null: none
// lives on this machine. Points into `snapshot`.
const v1::ProcessIdentity* StopReceiver(const JobSnapshot& snapshot);

// A job that already ended otherwise than STOPPED: there is nothing to cancel.
bool IsEndedForGood(const JobSnapshot& snapshot);

// `signaled`: pid of the last process that was asked, 0 for none. A process that dies passes nothing on, so the next receiver is
// asked again. `elapsed`: since the request.
CancelDecision DecideCancel(const JobSnapshot& snapshot, int64_t signaled, absl::Duration elapsed, absl::Duration timeout);

}  // namespace deit::api
