// Ends a job for good: it saves, stops, and is recorded as CANCELED.
#pragma once

#include "common/base/status.h"
#include "coordinator/api/job_handle.h"
#include "proto/status.pb.h"

namespace deit::api {

// Whether CancelJob can do anything: FailedPrecondition with a hint where the job runs on another host. OK for a job that is over.
Status CheckCancel(const JobHandle& job, const JobSnapshot& snapshot);

// Requests the end, asks the owner (else the attempt's guardian, else a worker) to stop, and waits for the end. A job that is
// STOPPED, or that stops without a living owner, is recorded as CANCELED by this process. Returns how the job ended: CANCELED,
// SUCCEEDED where it completed first, or FAILED. DeadlineExceeded, Cancelled (by `pause`): the request still holds, and the job ends
// when its step is done.
StatusOr<v1::JobStatus> CancelJob(JobHandle& job, absl::Duration timeout, Pause pause);

}  // namespace deit::api
