#include "common/metrics/metrics_log.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/json/message_json.h"
#include "common/metrics/cut_back.h"

namespace deit::metrics {
namespace {

// The first key of each line. Much faster than parsing lines that go anyway; a line without it counts as beyond every step.
int64_t StepOf(absl::string_view line) {
  int64_t step = 0;
  if (!absl::ConsumePrefix(&line, "{\"step\":") || !absl::SimpleAtoi(line.substr(0, line.find_first_of(",}")), &step)) {
    return std::numeric_limits<int64_t>::max();
  }
  return step;
}

}  // namespace

StatusOr<MetricsLog> MetricsLog::Open(const std::string& path, int64_t first_step) {
  const auto stays = [first_step](absl::string_view line) {
    v1::StepMetrics metrics;
    return StepOf(line) < first_step && json::FromJson(line, &metrics).ok();
  };
  DEIT_ASSIGN_OR_RETURN(const int64_t removed, CutBackLines(path, stays));
  DEIT_ASSIGN_OR_RETURN(AppendFile file, AppendFile::Open(path));
  return MetricsLog(std::move(file), first_step, removed);
}

Status MetricsLog::Append(const v1::StepMetrics& metrics) {
  DEIT_CHECK(metrics.step() >= next_step_, "step ", metrics.step(), " after step ", next_step_ - 1);
  next_step_ = metrics.step() + 1;
  return file_.Append(json::ToJsonLine(metrics) + "\n");
}

}  // namespace deit::metrics
