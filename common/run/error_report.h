// End reports for root cause analysis: error.json of each failed worker, result.json of the attempt.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/files/file_system.h"
#include "proto/run.pb.h"

namespace deit::run {

// What a worker was doing when it failed.
struct FailurePlace {
  int worker = 0;
  int attempt = 1;
  int64_t step = 0;   // steps done
  std::string phase;  // "data", "forward", "reduce", "checkpoint", ...
};

// The record of a failure: exit code, its meaning, message and hint come from `status`.
v1::WorkerError MakeWorkerError(const Status& status, const FailurePlace& place, absl::Time time);

// Sets time, exit_code, meaning, message and hint; OK means that the attempt ended with exit code 0. Stopped with everything
// saved is a status with exit code 75: it is no failure, so message and hint stay empty.
void SetOutcome(const Status& status, absl::Time time, v1::AttemptResult* result);

// Atomic and durable: to RunFolder::Error and RunFolder::Result.
Status WriteWorkerError(files::FileSystem& fs, const std::string& path, const v1::WorkerError& error);
Status WriteAttemptResult(files::FileSystem& fs, const std::string& path, const v1::AttemptResult& result);

}  // namespace deit::run
