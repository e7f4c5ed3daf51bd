// Shows what a job's workers wrote, and follows what they write.
#pragma once

#include <optional>

#include "coordinator/api/job_handle.h"
#include "coordinator/api/worker_logs.h"
#include "proto/status.pb.h"

namespace deit::api {

// Without `worker_given`, choice.worker is chosen for each attempt: the worker that failed first, else worker 0.
struct LogRequest {
  LogChoice choice;
  bool worker_given = false;
  std::optional<int> attempt;  // nullopt: the last one
};

// What is there now. NotFound: no such attempt, or no log of that worker.
Status ShowLogs(JobHandle& job, const LogRequest& request, LogSink& sink);

// Passes lines on until the job is over, through restarts, or until request.attempt ends; returns how the job is then. The end of
// the job is also a notice. Cancelled: `pause` wanted no more.
StatusOr<v1::JobStatus> FollowLogs(JobHandle& job, LogRequest request, LogSink& sink, Pause pause);

}  // namespace deit::api
