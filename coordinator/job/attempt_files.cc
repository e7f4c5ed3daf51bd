#include "coordinator/job/attempt_files.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/files/line_tail.h"
#include "common/json/json_file.h"
#include "common/json/message_json.h"

namespace deit::job {
namespace {

constexpr uint64_t kLastLines = 20;
constexpr uint64_t kLauncherLines = 500;  // of its stderr, in which it reports the first failed worker

std::vector<checkpoint::CheckpointEntry> Checkpoints(files::FileSystem& fs, const run::RunFolder& folder) {
  auto sets = checkpoint::ListCheckpoints(fs, folder.Checkpoints());
  return sets.ok() ? *std::move(sets) : std::vector<checkpoint::CheckpointEntry>();
}

}  // namespace

std::vector<std::string> LastLines(files::FileSystem& fs, const std::string& path, uint64_t count) {
  std::vector<std::string> lines;
  files::LineTail tail(fs, path);
  if (tail.SkipTo(count).ok()) tail.ReadToEnd([&](absl::string_view line) { lines.emplace_back(line); }).IgnoreError();
  return lines;
}

FailureReport MakeReport(files::FileSystem& fs, const run::RunFolder& folder, const ReportFailure& failure) {
  FailureReport report;
  report.title = failure.cause.text;
  report.workers = failure.workers;
  report.hint = failure.cause.hint;
  report.next = failure.next;
  if (!failure.launch) return report;
  report.title = absl::StrCat("attempt ", *failure.launch, ": ", failure.cause.text);
  if (failure.cause.worker) {
    report.log = folder.Stderr(*failure.launch, *failure.cause.worker);
    report.last_lines = LastLines(fs, report.log, kLastLines);
  }
  if (report.last_lines.empty()) {  // a worker that failed before it had a log has only the launcher's
    report.log = folder.LauncherStderr(*failure.launch);
    report.last_lines = LastLines(fs, report.log, kLastLines);
  }
  return report;
}

StepCounts CountSteps(files::FileSystem& fs, const run::RunFolder& folder) {
  StepCounts steps;
  for (const std::string& line : LastLines(fs, folder.Metrics(), 2)) {  // a torn last line is no step
    v1::StepMetrics metrics;
    if (json::FromJson(line, &metrics).ok()) steps.reached = metrics.step() + 1;
  }
  for (const checkpoint::CheckpointEntry& set : Checkpoints(fs, folder)) {
    if (set.state == checkpoint::CheckpointState::kComplete) steps.saved = std::max(steps.saved, set.step);
  }
  return steps;
}

bool HasRoomForCheckpoint(files::FileSystem& fs, const run::RunFolder& folder) {
  uint64_t wanted = 1;
  for (const checkpoint::CheckpointEntry& set : Checkpoints(fs, folder)) {
    if (set.state == checkpoint::CheckpointState::kComplete) wanted = std::max<uint64_t>(set.bytes, 1);  // the newest comes last
  }
  const auto free = fs.FreeBytes(folder.path());
  return !free.ok() || *free >= wanted;
}

AttemptOutcome ReadOutcome(files::FileSystem& fs, const run::RunFolder& folder, int attempt, int workers,
                           const launch::Launcher& launcher) {
  AttemptOutcome outcome;
  outcome.failure = launcher.ReadFailure(absl::StrJoin(LastLines(fs, folder.LauncherStderr(attempt), kLauncherLines), "\n"));
  for (int worker = 0; worker < workers; ++worker) {
    const auto error = json::ReadAttemptFile<v1::WorkerError>(fs, folder.Error(attempt, worker), attempt);
    if (error.ok()) outcome.errors[worker] = *error;
  }
  const auto result = json::ReadAttemptFile<v1::AttemptResult>(fs, folder.Result(attempt), attempt);
  if (result.ok()) outcome.result = *result;
  outcome.steps = CountSteps(fs, folder);
  outcome.room_for_checkpoint = HasRoomForCheckpoint(fs, folder);
  return outcome;
}

}  // namespace deit::job
