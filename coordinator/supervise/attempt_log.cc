#include "coordinator/supervise/attempt_log.h"

#include <unistd.h>

#include "absl/strings/match.h"
#include "common/base/log.h"
#include "common/base/terminal.h"
#include "common/json/json_file.h"
#include "common/json/message_json.h"

namespace deit::supervise {
namespace {

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

// The rest of the launcher's stderr is mpirun's own banner, which the root cause is read from.
bool IsMessage(absl::string_view line) { return absl::StartsWith(line, "deit-worker") || absl::StartsWith(line, "hint: "); }

}  // namespace

AttemptLog::AttemptLog(job::JobStore* owner, int attempt, bool fresh)
    : owner_(owner), attempt_(attempt), events_(Fs(), owner->folder().AttemptEvents(attempt)),
      output_(Fs(), owner->folder().LauncherStdout(attempt)), errors_(Fs(), owner->folder().LauncherStderr(attempt)) {
  if (CanRewriteLines(STDOUT_FILENO)) {
    metrics::ProgressOptions options;
    options.rewrite = true;
    progress_ = std::make_unique<metrics::Progress>(options);
  }
  if (fresh) return;
  output_.SkipTo(0).IgnoreError();
  errors_.SkipTo(0).IgnoreError();
  files::LineTail(Fs(), owner->folder().Events()).Read([this](absl::string_view line) { copied_.emplace(line); }).IgnoreError();
}

void AttemptLog::Follow() {
  if (!started_) LookForStart();
  CopyEvents();
  errors_
      .Read([](absl::string_view line) {
        if (IsMessage(line)) LogVerbatim(line);
      })
      .IgnoreError();  // what cannot be read now is read later
  output_
      .Read([this](absl::string_view line) {
        if (!progress_ || !absl::StartsWith(line, "epoch ")) PrintLine(line);
      })
      .IgnoreError();
  if (progress_) ShowProgress();
}

void AttemptLog::LookForStart() {
  const auto start = json::ReadAttemptFile<v1::AttemptStart>(Fs(), owner_->folder().Start(attempt_), attempt_);
  if (!start.ok()) return;
  started_ = true;
  owner_->Started(*start);
}

void AttemptLog::CopyEvents() {
  events_
      .Read([this](absl::string_view line) {
        v1::Event event;
        if (!copied_.contains(std::string(line)) && json::FromJson(line, &event).ok()) owner_->CopyEvent(event);
      })
      .IgnoreError();
}

void AttemptLog::ShowProgress() {
  v1::Progress progress;
  if (!json::ReadJsonFile(Fs(), owner_->folder().Progress(), &progress).ok()) return;
  if (progress.attempt() != attempt_ || progress.time() == shown_) return;
  shown_ = progress.time();
  progress_->Update(progress);
}

}  // namespace deit::supervise
