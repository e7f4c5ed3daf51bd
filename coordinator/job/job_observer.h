// Seam for what a person sees of a job under supervision: a terminal, a test, later a service.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/run.pb.h"

namespace deit::job {

// Everything about a failed attempt that a person needs.
struct FailureReport {
  std::string title;  // "attempt 3: worker 1 on n1: killed by signal 9 (Killed) at step 12 in phase compute"
  std::string log;    // path of the log that `last_lines` are of
  std::vector<std::string> last_lines;
  std::string workers;  // what each was doing; empty: nothing ran
  std::string hint;     // the one next action, if there is one
  std::string next;     // what follows: "the next attempt follows at once"
};

// Called on the controller's thread; returns quickly.
class JobObserver {
 public:
  virtual ~JobObserver() = default;

  virtual void OnNotice(absl::string_view text) = 0;
  virtual void OnWarning(absl::string_view text) = 0;
  virtual void OnFailure(const FailureReport& report) = 0;

  // A message that a worker printed, name and all.
  virtual void OnWorkerMessage(absl::string_view line) = 0;

  // A line of the workers' output: progress at intervals, and the result.
  virtual void OnWorkerOutput(absl::string_view line) = 0;

  // Whether OnProgress() shows where the job is. Then progress and result come through that and OnResult(), and OnWorkerOutput() is not
  // called.
  virtual bool ShowsProgress() const = 0;
  virtual void OnProgress(const v1::Progress& progress) = 0;
  virtual void OnResult(const v1::AttemptResult& result) = 0;
};

}  // namespace deit::job
