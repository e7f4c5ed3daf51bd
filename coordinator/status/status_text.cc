#include "coordinator/status/status_text.h"

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/base/numbers.h"

namespace deit::status {
namespace {

using text::Cell;
using text::Column;
using text::Tone;
using v1::JobState;
using v1::JobStatus;

Tone ToneOf(const JobStatus& job) {
  switch (job.state()) {
    case JobState::RUNNING: return job.reason().empty() ? Tone::kGood : Tone::kWarning;
    case JobState::STARTING:
    case JobState::RECOVERING:
    case JobState::DRAINING: return Tone::kWarning;
    case JobState::FAILED:
    case JobState::LOST: return Tone::kBad;
    case JobState::STOPPED:
    case JobState::SUCCEEDED:
    case JobState::CANCELED: return Tone::kDim;
    default: return Tone::kPlain;
  }
}

// Alive of wanted, or of MIN:MAX where the job may grow and shrink.
std::string WorkersOf(const JobStatus& job) {
  const bool elastic = job.workers_min() != job.workers_max();
  return absl::StrCat(job.workers_alive(), "/",
                      elastic ? absl::StrCat(job.workers_min(), ":", job.workers_max()) : absl::StrCat(job.workers_wanted()));
}

// A bare mpirun is not restarted.
std::string RestartsOf(const JobStatus& job) {
  return job.has_guardian() ? absl::StrCat(job.restarts(), "/", job.max_restarts()) : absl::StrCat(job.restarts());
}

std::string HostsOf(const JobStatus& job) {
  std::set<std::string> hosts{job.host()};
  for (const v1::WorkerStatus& worker : job.workers()) hosts.insert(worker.host());
  return absl::StrJoin(hosts, ",");
}

struct StatusColumn {
  Column column;
  Cell (*cell)(const JobStatus& job);
};

std::vector<StatusColumn> DefaultColumns() {
  return {
      {{"JOB"}, [](const JobStatus& job) { return Cell{job.job()}; }},
      {{"NAME", false, 12}, [](const JobStatus& job) { return Cell{job.name()}; }},
      {{"STATE"},
       [](const JobStatus& job) {
         return Cell{JobState::Value_Name(job.state()), ToneOf(job)};
       }},
      {{"REASON", false, 16}, [](const JobStatus& job) { return Cell{job.reason()}; }},
      {{"WORKERS", true}, [](const JobStatus& job) { return Cell{WorkersOf(job)}; }},
      {{"EPOCH", true}, [](const JobStatus& job) { return Cell{job.has_epoch() ? absl::StrCat(job.epoch(), "/", job.epochs()) : ""}; }},
      {{"STEP", true}, [](const JobStatus& job) { return Cell{job.has_step() ? absl::StrCat(job.step()) : ""}; }},
      {{"LOSS", true},
       [](const JobStatus& job) {
         return Cell{job.has_loss() ? LossText(job.loss()) : "", std::isfinite(job.loss()) ? Tone::kPlain : Tone::kBad};
       }},
      {{"ACC1", true}, [](const JobStatus& job) { return Cell{job.has_val_acc1() ? AccuracyText(job.val_acc1()) : ""}; }},
      {{"IMG/S", true}, [](const JobStatus& job) { return Cell{job.has_images_per_second() ? RateText(job.images_per_second()) : ""}; }},
      {{"RESTARTS", true}, [](const JobStatus& job) { return Cell{RestartsOf(job)}; }},
      {{"AGE", true}, [](const JobStatus& job) { return Cell{DurationText(absl::Seconds(job.age_seconds()))}; }},
      {{"ETA", true},
       [](const JobStatus& job) { return Cell{job.has_eta_seconds() ? DurationText(absl::Seconds(job.eta_seconds())) : ""}; }},
  };
}

std::vector<StatusColumn> WideColumns() {
  std::vector<StatusColumn> columns = DefaultColumns();
  columns.push_back({{"ATTEMPT", true}, [](const JobStatus& job) { return Cell{absl::StrCat(job.attempt())}; }});
  columns.push_back({{"HOSTS", true}, [](const JobStatus& job) { return Cell{HostsOf(job)}; }});
  columns.push_back({{"OWNER", true}, [](const JobStatus& job) { return Cell{absl::StrCat(job.owner().pid())}; }});
  columns.push_back({{"SPEC", true}, [](const JobStatus& job) { return Cell{job.spec_digest()}; }});
  columns.push_back({{"RUN_DIR", true}, [](const JobStatus& job) { return Cell{job.run_dir()}; }});
  return columns;
}

}  // namespace

std::vector<std::string> StatusTable(const v1::StatusReport& report, Columns columns, const text::Look& look) {
  const std::vector<StatusColumn> shown = columns == Columns::kWide ? WideColumns() : DefaultColumns();
  std::vector<Column> titles;
  for (const StatusColumn& column : shown) titles.push_back(column.column);
  text::Table table(titles);
  for (const JobStatus& job : report.jobs()) {
    std::vector<Cell> cells;
    for (const StatusColumn& column : shown) cells.push_back(column.cell(job));
    table.AddRow(std::move(cells));
  }
  return table.Lines(look);
}

std::string NextStep(const v1::StatusReport& report) {
  if (report.jobs().empty()) return "deit-coord run --config=FILE --np=2 starts a job";
  for (const JobStatus& job : report.jobs()) {
    if (!job.hint().empty()) return absl::StrCat("job ", job.job(), ": ", job.hint());
  }
  return "";
}

}  // namespace deit::status
