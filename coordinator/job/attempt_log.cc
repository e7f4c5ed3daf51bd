#include "coordinator/job/attempt_log.h"

#include "absl/strings/string_view.h"
#include "common/base/exit_code.h"
#include "common/json/json_file.h"
#include "common/json/message_json.h"

namespace deit::job {

AttemptLog::AttemptLog(files::FileSystem& fs, JobStore& store, JobObserver& observer, int attempt, int workers, bool fresh)
    : fs_(fs), store_(store), observer_(observer), attempt_(attempt), events_(fs, store.folder().AttemptEvents(attempt)),
      output_(fs, store.folder().LauncherStdout(attempt)) {
  for (int worker = 0; worker < workers; ++worker) messages_.emplace_back(fs, store.folder().Stderr(attempt, worker));
  if (fresh) return;
  output_.SkipTo(0).IgnoreError();
  for (files::LineTail& tail : messages_) tail.SkipTo(0).IgnoreError();
  files::LineTail(fs, store.folder().Events()).Read([this](absl::string_view line) { copied_.emplace(line); }).IgnoreError();
}

std::optional<v1::AttemptStart> AttemptLog::Follow() {
  std::optional<v1::AttemptStart> start = ReadStart();
  CopyEvents();
  for (files::LineTail& tail : messages_) {  // what cannot be read now is read later
    tail.Read([this](absl::string_view line) { observer_.OnWorkerMessage(line); }).IgnoreError();
  }
  if (observer_.ShowsProgress()) ShowProgress();
  else output_.Read([this](absl::string_view line) { observer_.OnWorkerOutput(line); }).IgnoreError();
  return start;
}

std::optional<v1::AttemptStart> AttemptLog::Finish() {
  std::optional<v1::AttemptStart> start = Follow();
  const auto result = json::ReadAttemptFile<v1::AttemptResult>(fs_, store_.folder().Result(attempt_), attempt_);
  if (result.ok() && observer_.ShowsProgress()) observer_.OnResult(*result);
  return start;
}

std::optional<v1::AttemptStart> AttemptLog::ReadStart() {
  if (started_) return std::nullopt;
  auto start = json::ReadAttemptFile<v1::AttemptStart>(fs_, store_.folder().Start(attempt_), attempt_);
  if (!start.ok()) return std::nullopt;
  started_ = true;
  return *std::move(start);
}

void AttemptLog::CopyEvents() {
  events_
      .Read([this](absl::string_view line) {
        v1::Event event;
        if (!copied_.contains(std::string(line)) && json::FromJson(line, &event).ok()) store_.CopyEvent(event);
      })
      .IgnoreError();
}

void AttemptLog::ShowProgress() {
  v1::Progress progress;
  if (!json::ReadJsonFile(fs_, store_.folder().Progress(), &progress).ok()) return;
  if (progress.attempt() != attempt_ || progress.time() == shown_) return;
  shown_ = progress.time();
  observer_.OnProgress(progress);
}

}  // namespace deit::job
