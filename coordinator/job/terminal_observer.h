// Job observer that shows a job on this process's stdout and stderr.
#pragma once

#include <memory>

#include "common/metrics/progress.h"
#include "coordinator/job/job_observer.h"

namespace deit::job {

class TerminalObserver final : public JobObserver {
 public:
  // One progress line is rewritten in place where stdout is a terminal.
  TerminalObserver();

  void OnNotice(absl::string_view text) override;
  void OnWarning(absl::string_view text) override;
  void OnFailure(const FailureReport& report) override;
  void OnWorkerMessage(absl::string_view line) override;
  void OnWorkerOutput(absl::string_view line) override;
  bool ShowsProgress() const override { return progress_ != nullptr; }
  void OnProgress(const v1::Progress& progress) override;
  void OnResult(const v1::AttemptResult& result) override;

 private:
  std::unique_ptr<metrics::Progress> progress_;
};

}  // namespace deit::job
