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

struct AttemptStart {
  std::string job;
  std::string name;
  std::string spec_digest;
  int attempt = 1;
  int workers = 1;
  int64_t first_step = 0;
  // The step that earlier attempts are known to have reached: first_step plus MetricsLog::steps_removed(), or progress.json's
  // step. What they did beyond first_step is lost.
  int64_t reached_step = 0;
  std::optional<v1::Summary::Recovery> recovery;  // unset for a fresh start
  absl::Time time;
};

// The state of a job after an attempt that ended so: 0 SUCCEEDED, 75 STOPPED, everything else FAILED.
v1::JobState::Value StateAfter(ExitCode code);

// Adds an attempt. One before it whose end nobody recorded gets the cause "lost" and the steps it is known to have reached;
// `restarts` grows unless the one before ended with 0 or 75; `steps_lost` grows by reached_step - first_step. State: RUNNING.
void BeginAttempt(const AttemptStart& start, v1::Summary* summary);

// Puts what is known about the running or just ended attempt into the summary; may be called again with newer results. `ended`:
// it is over, with result.exit_code; sets cause, state and end time.
void ApplyResult(const v1::AttemptResult& result, bool ended, v1::Summary* summary);

// The summary of earlier attempts: empty without the file, and, with a warning, when it cannot be read. That of a copied folder
// is carried over although its job id is another one: the steps are the same steps.
v1::Summary ReadSummary(files::FileSystem& fs, const std::string& path);

Status WriteSummary(files::FileSystem& fs, const std::string& path, const v1::Summary& summary);

}  // namespace deit::run
