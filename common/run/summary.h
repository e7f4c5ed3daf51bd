// summary.json: the job in one object, carried over and extended from attempt to attempt. Written by the job's owner only.
// The functions on v1::Summary are pure: the summary is a fold over its attempts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "common/files/file_system.h"
#include "proto/run.pb.h"

namespace deit::run {

// What is known of an attempt when it is launched.
struct AttemptLaunch {
  std::string job;
  std::string name;
  std::string spec_digest;
  int attempt = 1;
  int workers = 1;
  absl::Time time;
};

// How an attempt ended, as its owner saw it from outside.
struct AttemptEnd {
  int attempt = 1;
  std::string cause;  // a sentence: "worker 1 on node1: killed by signal 9 (Killed)"
  std::optional<int> exit_code = {};
  std::optional<int> signal = {};
  std::optional<int> worker = {};  // the root cause's, where a worker was it
  std::string node = {};
  std::string failure = {};  // the cause's name, as v1::Summary::Attempt has it
  int64_t reached_step = 0;  // steps known to have been done, counted from the job's beginning
  absl::Time time = {};
};

// The state of a job after an attempt that ended so: 0 SUCCEEDED, 75 STOPPED, everything else FAILED.
v1::JobState::Value StateAfter(ExitCode code);

// STOPPED, SUCCEEDED, FAILED, CANCELED, LOST: nothing of the job runs any more.
bool IsEnd(v1::JobState::Value state);

// Whether it is recorded that an attempt did what it was to do, and no worker of it was the cause of another end.
bool EndedWell(const v1::Summary::Attempt& attempt);

// Attempts after the one numbered `first_attempt` that followed one which did not end well: the restarts of the life that began with it.
int RestartsSince(int first_attempt, const v1::Summary& summary);

// Adds an attempt. A previous one without a recorded end gets the cause "lost"; `restarts` grows unless the one before ended with
// 0 or 75. State: STARTING.
void BeginAttempt(const AttemptLaunch& launch, v1::Summary* summary);

// All workers of the last attempt have the same state: its first step, and, when it goes on from a checkpoint, the recovery. `steps_lost`
// grows by reached_step - first_step; an attempt before it that could not count its steps gets those it is known to have reached. State:
// RUNNING. A second call for the same attempt changes nothing.
void ApplyStart(const v1::AttemptStart& start, v1::Summary* summary);

// Worker 0's account of the last attempt's end: counts, digests, cause, state.
void ApplyResult(const v1::AttemptResult& result, v1::Summary* summary);

// The owner's account: cause, worker, node, signal. Counts that worker 0 gave stay. The state is the caller's to set.
void ApplyEnd(const AttemptEnd& end, v1::Summary* summary);

// The summary of earlier attempts: empty without the file, and, with a warning, when it cannot be read. That of a copied folder
// is carried over although its job id is another one: the steps are the same steps.
v1::Summary ReadSummary(files::FileSystem& fs, const std::string& path);

Status WriteSummary(files::FileSystem& fs, const std::string& path, const v1::Summary& summary);

}  // namespace deit::run
