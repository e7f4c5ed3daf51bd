// Launches a job's attempts, watches them, starts them again, until the job has ended: the loop behind `deit-coord run`.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/job/job_store.h"
#include "proto/job.pb.h"
#include "proto/spec.pb.h"

namespace deit::supervise {

// What a supervisor waits in. Made before a job is taken: from then on the signals that stop a job wait for its supervisor instead of ending
// the process, so that a job that others can see is also one that they can stop.
struct EventLoop {
  EventLoop();
  ~EventLoop();
  struct Parts;
  const std::unique_ptr<Parts> parts;
};

struct SupervisorOptions {
  const v1::JobSpec* spec;                 // resolved; outlives the supervisor
  job::JobStore* owner;                    // as above
  EventLoop* loop;                         // as above; made before the owner was
  std::string worker_program;              // deit-worker, absolute
  std::optional<v1::JobRecord> take_over;  // its attempt, begun by an owner that died, is gone on with
};

struct JobEnd {
  v1::JobState::Value state = v1::JobState::FAILED;
  bool interrupted = false;  // by SIGINT
};

// Runs until the job has ended or was stopped: SIGINT, SIGTERM and SIGUSR1 stop it gracefully, a second SIGINT at once. An error only when the
// supervision itself cannot begin: no place for the token, no port, a broken run folder.
StatusOr<JobEnd> Supervise(const SupervisorOptions& options);

}  // namespace deit::supervise
