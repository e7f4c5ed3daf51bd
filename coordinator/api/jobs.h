// Answers about jobs: list, one job, and the wait for its end.
#pragma once

#include "common/base/status.h"
#include "coordinator/api/job_handle.h"
#include "proto/status.pb.h"

namespace deit::api {

// Every job of this user on this machine: first those that are not over, the newest first; then those that are, the last to end first.
// Fails only where the state folder cannot be listed.
StatusOr<v1::StatusReport> ListJobs(const Environment& environment);

// A report of one job.
v1::StatusReport ShowJob(JobHandle& job);

// Returns once the job is over, with its state. DeadlineExceeded: not within `timeout` (zero looks once; infinite is allowed).
// Cancelled: `pause` wanted no more.
StatusOr<v1::JobStatus> WaitForJob(JobHandle& job, absl::Duration timeout, Pause pause);

}  // namespace deit::api
