#include "coordinator/supervise/attempt_log.h"

#include <unistd.h>

#include "absl/strings/match.h"
#include "common/base/log.h"
#include "common/base/terminal.h"
#include "common/run/json.h"
#include "common/run/json_file.h"

namespace deit::supervise {
namespace {

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

// The rest of the launcher's stderr is mpirun's own banner, which the root cause is read from.
bool IsMessage(const std::string& line) { return absl::StartsWith(line, "deit-worker") || absl::StartsWith(line, "hint: "); }

}  // namespace

AttemptLog::AttemptLog(job::JobOwner* owner, int attempt, bool fresh)
    : owner_(owner), attempt_(attempt), events_(owner->folder().AttemptEvents(attempt)), output_(owner->folder().LauncherStdout(attempt)),
      errors_(owner->folder().LauncherStderr(attempt)) {
  if (CanRewriteLines(STDOUT_FILENO)) {
    run::ProgressOptions options;
    options.rewrite = true;
    progress_ = std::make_unique<run::Progress>(options);
  }
  if (fresh) return;
  output_.SkipToEnd();
  errors_.SkipToEnd();
  LineFollower job_events(owner->folder().Events());
  for (std::vector<std::string> lines; !(lines = job_events.NewLines()).empty();) copied_.insert(lines.begin(), lines.end());
}

void AttemptLog::Follow() {
  v1::AttemptStart start;
  if (!started_ && run::ReadJsonFile(Fs(), owner_->folder().Start(attempt_), &start).ok()) {
    started_ = true;
    owner_->Started(start);
  }
  CopyEvents();
  for (const std::string& line : errors_.NewLines()) {
    if (IsMessage(line)) LogVerbatim(line);
  }
  for (const std::string& line : output_.NewLines()) {
    if (!progress_ || !absl::StartsWith(line, "epoch ")) PrintLine(line);
  }
  if (progress_) ShowProgress();
}

void AttemptLog::CopyEvents() {
  for (const std::string& line : events_.NewLines()) {
    v1::Event event;
    if (copied_.contains(line) || !run::FromJson(line, &event).ok()) continue;
    owner_->CopyEvent(event);
  }
}

void AttemptLog::ShowProgress() {
  v1::Progress progress;
  if (!run::ReadJsonFile(Fs(), owner_->folder().Progress(), &progress).ok()) return;
  if (progress.attempt() != attempt_ || progress.time() == shown_) return;
  shown_ = progress.time();
  progress_->Update(progress);
}

}  // namespace deit::supervise
