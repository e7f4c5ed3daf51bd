#include "coordinator/supervise/failure_report.h"

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/files/line_tail.h"
#include "common/json/message_json.h"
#include "proto/run.pb.h"

namespace deit::supervise {
namespace {

constexpr size_t kLastWords = 20;

}  // namespace

std::vector<std::string> LastLines(const std::string& path, uint64_t count) {
  std::vector<std::string> lines;
  files::LineTail tail(files::FileSystem::Posix(), path);
  if (tail.SkipTo(count).ok()) tail.ReadToEnd([&](absl::string_view line) { lines.emplace_back(line); }).IgnoreError();
  return lines;
}

void ReportFailure(const run::RunFolder& folder, int attempt, const RootCause& cause, const std::string& doings, const std::string& next) {
  LogError(absl::StrCat("attempt ", attempt, ": ", cause.text));
  const std::string log = cause.worker ? folder.Stderr(attempt, *cause.worker) : folder.LauncherStderr(attempt);
  const std::vector<std::string> words = LastLines(log, kLastWords);
  if (!words.empty()) {
    LogInfo(absl::StrCat("last lines of ", log, ":"));
    for (const std::string& line : words) LogVerbatim(absl::StrCat("  | ", line));
  }
  LogInfo(absl::StrCat("when it ended: ", doings));
  if (!cause.hint.empty()) LogVerbatim(absl::StrCat("hint: ", cause.hint));
  LogInfo(next);
}

int64_t ReachedStep(const run::RunFolder& folder) {
  int64_t reached = 0;
  for (const std::string& line : LastLines(folder.Metrics(), 2)) {  // a torn last line is no step
    v1::StepMetrics metrics;
    if (json::FromJson(line, &metrics).ok()) reached = metrics.step() + 1;
  }
  return reached;
}

}  // namespace deit::supervise
