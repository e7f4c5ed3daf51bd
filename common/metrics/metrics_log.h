// metrics.jsonl: one line per step, each step once, also after restarts.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/metrics/append_file.h"
#include "proto/run.pb.h"

namespace deit::metrics {

// Worker 0's. Not thread-safe.
class MetricsLog {
 public:
  // Opens or creates the file for an attempt that executes `first_step` first: lines of that and later steps, a torn last line
  // and damaged ones at the end are removed.
  static StatusOr<MetricsLog> Open(const std::string& path, int64_t first_step);

  // The steps that earlier attempts executed in vain: lines that Open removed.
  int64_t steps_removed() const { return steps_removed_; }

  // One line, in the file when this returns; what a full disk does not take is kept and written later (AppendFile).
  // Steps come in ascending order.
  Status Append(const v1::StepMetrics& metrics);

  // Before a checkpoint is committed: the lines of its steps are on stable storage.
  Status Sync() { return file_.Sync(); }

 private:
  MetricsLog(AppendFile file, int64_t first_step, int64_t steps_removed)
      : file_(std::move(file)), next_step_(first_step), steps_removed_(steps_removed) {}

  AppendFile file_;
  int64_t next_step_;  // the lowest that may come
  int64_t steps_removed_;
};

}  // namespace deit::metrics
