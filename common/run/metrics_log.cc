#include "common/run/metrics_log.h"

#include "common/run/cut_back.h"
#include "common/run/json.h"

namespace deit::run {

StatusOr<MetricsLog> MetricsLog::Open(const std::string& path, int64_t first_step) {
  const auto stays = [first_step](absl::string_view line) {
    v1::StepMetrics metrics;
    return FromJson(line, &metrics).ok() && metrics.step() < first_step;
  };
  DEIT_ASSIGN_OR_RETURN(const int64_t removed, CutBackLines(path, stays));
  DEIT_ASSIGN_OR_RETURN(AppendFile file, AppendFile::Open(path));
  return MetricsLog(std::move(file), first_step, removed);
}

Status MetricsLog::Append(const v1::StepMetrics& metrics) {
  DEIT_CHECK(metrics.step() >= next_step_, "step ", metrics.step(), " after step ", next_step_ - 1);
  next_step_ = metrics.step() + 1;
  return file_.Append(ToJsonLine(metrics) + "\n");
}

}  // namespace deit::run
