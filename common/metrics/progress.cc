#include "common/metrics/progress.h"

#include <unistd.h>

#include <atomic>

#include "common/base/log.h"
#include "common/base/output_queue.h"
#include "common/base/status.h"
#include "common/base/terminal.h"
#include "common/base/unix_time.h"
#include "common/json/json_file.h"
#include "common/metrics/progress_text.h"

namespace deit::metrics {
namespace {

constexpr absl::Duration kRedrawInterval = absl::Milliseconds(100);
constexpr absl::Duration kFileInterval = absl::Seconds(1);
constexpr char kClearLine[] = "\r\033[K";

// Touched between log lines only; the hook has no other way to know.
std::atomic<bool> line_shown{false};
std::atomic<bool> stderr_rewrites{false};  // stderr shows on a terminal too

// Through the stream whose line comes next where that shows on a terminal: under mpirun the two streams overtake each other.
void ClearShownLine(int fd) {
  if (line_shown.exchange(false)) WriteOutput(fd == STDERR_FILENO && stderr_rewrites ? fd : STDOUT_FILENO, kClearLine);
}

}  // namespace

Progress::Progress(const ProgressOptions& options) : options_(options) {
  stderr_rewrites = options.rewrite && CanRewriteLines(STDERR_FILENO);
  SetBeforeLogLine(ClearShownLine);
}

Progress::~Progress() {
  SetBeforeLogLine(nullptr);
  RunBetweenLogLines([] { ClearShownLine(STDOUT_FILENO); });
  if (file_is_old_) WriteFile();
}

void Progress::Begin(v1::Progress progress) {
  progress.set_time(UnixSeconds(options_.clock->Now()));
  newest_ = std::move(progress);
  WriteFile();
}

void Progress::Update(v1::Progress progress) {
  progress.set_time(UnixSeconds(options_.clock->Now()));
  const absl::Duration now = options_.clock->Elapsed();
  const bool epoch_ends = progress.epoch_step() == progress.epoch_steps();
  if (!epoch_ends && progress.epoch_step() % options_.log_interval == 0) PrintPlain(progress);
  if (options_.rewrite && now - last_redraw_ >= kRedrawInterval) Redraw(progress);
  newest_ = std::move(progress);
  file_is_old_ = true;
  if (now - last_file_ >= kFileInterval) WriteFile();
}

void Progress::Refresh() {
  if (newest_.time() == 0 || options_.clock->Elapsed() - last_file_ < kFileInterval) return;
  newest_.set_time(UnixSeconds(options_.clock->Now()));
  WriteFile();
}

void Progress::FinishEpoch(v1::Progress progress) {
  progress.set_time(UnixSeconds(options_.clock->Now()));
  PrintPlain(progress);
  if (options_.rewrite) Redraw(progress);
  newest_ = std::move(progress);
  WriteFile();
}

void Progress::PrintPlain(const v1::Progress& progress) {
  const std::string line = FormatProgress(progress, kAnyWidth);
  options_.rewrite ? CopyOutputLine(line) : PrintLine(line);
}

void Progress::Redraw(const v1::Progress& progress) {
  last_redraw_ = options_.clock->Elapsed();
  if (OutputWaits()) return;  // it is not read, and a newer one will follow
  // One column stays free: a full line would wrap on some terminals.
  const std::string line = FormatProgress(progress, TerminalWidth(STDOUT_FILENO) - 1);
  RunBetweenLogLines([&line] {
    WriteOutput(STDOUT_FILENO, "\r" + line + "\033[K");
    line_shown = true;
  });
}

void Progress::WriteFile() {
  last_file_ = options_.clock->Elapsed();
  file_is_old_ = false;
  if (options_.path.empty()) return;
  const Status written = json::ReplaceJsonFile(*options_.fs, options_.path, newest_);
  if (!written.ok() && !file_failed_) LogWarning(absl::StrCat(written.message(), ": others see an old progress until this is over"));
  file_failed_ = !written.ok();
}

}  // namespace deit::metrics
