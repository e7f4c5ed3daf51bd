// Actions of a job's machine: everything that it wants done, as values, in the order in which they are to be done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "coordinator/job/policy.h"
#include "coordinator/job/root_cause.h"
#include "proto/run.pb.h"

namespace deit::job {

// Answered by Launched or LaunchFailed, and by nothing else before.
struct LaunchWorkers {
  std::string role;  // "student"
  int workers = 0;
};

struct StopLaunch {  // gracefully
  int launch = 0;
};

struct KillLaunch {
  int launch = 0;
  bool force = false;  // its processes directly: the guardian did not
};

struct CheckpointState {
  v1::JobState::Value state = v1::JobState::STARTING;
  std::string reason;
};

struct Publish {};  // the job's record, now

struct EmitEvent {
  v1::Event::Reason reason = v1::Event::AttemptStarted;
  std::string message;
  std::optional<int> attempt;
  std::optional<int> worker;
};

struct RecordStart {
  v1::AttemptStart start;
};

struct RecordResult {
  v1::AttemptResult result;
};

struct RecordFailure {
  int launch = 0;
  RootCause cause;
  int64_t reached_step = 0;
};

struct RecordRecovery {
  int launch = 0;
  v1::Summary::Recovery recovery;
};

struct ReportFailure {
  std::optional<int> launch;
  RootCause cause;
  std::string workers;  // what they were doing when it ended; empty: there were none
  std::string next;     // what follows
};

struct ReportNotice {
  std::string text;
};

// The last action of a job.
struct EndJob {
  v1::JobState::Value state = v1::JobState::FAILED;
  std::string message;  // of its event
  std::string reason;   // in its record; empty: what the state says
  std::string hint;
  StepCounts steps;
};

using Action = std::variant<LaunchWorkers, StopLaunch, KillLaunch, CheckpointState, Publish, EmitEvent, RecordStart, RecordResult,
                            RecordFailure, RecordRecovery, ReportFailure, ReportNotice, EndJob>;

}  // namespace deit::job
