#include "coordinator/job/terminal_observer.h"

#include <unistd.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/terminal.h"
#include "common/metrics/progress_text.h"

namespace deit::job {

TerminalObserver::TerminalObserver() {
  if (!CanRewriteLines(STDOUT_FILENO)) return;
  metrics::ProgressOptions options;
  options.rewrite = true;
  progress_ = std::make_unique<metrics::Progress>(options);
}

void TerminalObserver::OnNotice(absl::string_view text) { LogInfo(text); }
void TerminalObserver::OnWarning(absl::string_view text) { LogWarning(text); }

void TerminalObserver::OnFailure(const FailureReport& report) {
  LogError(report.title);
  if (!report.last_lines.empty()) {
    LogInfo(absl::StrCat("last lines of ", report.log, ":"));
    for (const std::string& line : report.last_lines) LogVerbatim(absl::StrCat("  | ", line));
  }
  if (!report.workers.empty()) LogInfo(absl::StrCat("when it ended: ", report.workers));
  if (!report.hint.empty()) LogVerbatim(absl::StrCat("hint: ", report.hint));
  LogInfo(report.next);
}

void TerminalObserver::OnWorkerMessage(absl::string_view line) { LogVerbatim(line); }
void TerminalObserver::OnWorkerOutput(absl::string_view line) { PrintLine(line); }

void TerminalObserver::OnProgress(const v1::Progress& progress) {
  if (progress_) progress_->Update(progress);
}

// The line with which a worker ends its output.
void TerminalObserver::OnResult(const v1::AttemptResult& result) {
  if (result.exit_code() != 0) return;
  PrintLine(metrics::FinishedLine(result.first_step() + result.steps_executed(), result.epochs(),
                                  result.has_val_acc1() ? result.val_acc1() : std::nan(""), result.weights_digest()));
}

}  // namespace deit::job
