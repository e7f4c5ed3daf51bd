// `deit-coord status`: what the jobs of this user on this machine do, once or repeatedly.
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <set>

#include "absl/strings/str_join.h"
#include "common/base/log.h"
#include "common/base/terminal.h"
#include "common/json/message_json.h"
#include "common/text/live_block.h"
#include "coordinator/api/jobs.h"
#include "coordinator/cli/interruption.h"
#include "coordinator/cli/job_arguments.h"
#include "coordinator/cli/known_job.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/status/status_changes.h"
#include "coordinator/status/status_text.h"

namespace deit::cli {
namespace {

constexpr char kDefaultInterval[] = "2";
constexpr absl::Duration kShortestInterval = absl::Milliseconds(50);

// The subject of the reports: every job, or one.
class Source {
 public:
  static StatusOr<Source> Open(const Arguments& arguments) {
    Source source;
    DEIT_ASSIGN_OR_RETURN(source.environment_, ProcessEnvironment());
    if (arguments.words().empty() && arguments.overrides().empty()) return source;
    DEIT_ASSIGN_OR_RETURN(source.job_, FindJob("status", arguments));
    return source;
  }

  StatusOr<v1::StatusReport> Report() { return job_ ? api::ShowJob(*job_) : api::ListJobs(*environment_); }

 private:
  std::optional<api::Environment> environment_;
  std::optional<api::JobHandle> job_;
};

// How a report is shown.
struct Form {
  std::string format;
  bool terminal;  // stdout is one: lines fit it
  bool color;

  bool IsTable() const { return format == "table" || format == "wide"; }

  std::vector<std::string> Table(const v1::StatusReport& report) const {
    text::Look look{.color = color};
    if (terminal && format == "table") look.width = static_cast<size_t>(TerminalWidth(STDOUT_FILENO));
    return status::StatusTable(report, format == "wide" ? status::Columns::kWide : status::Columns::kDefault, look);
  }

  // The table and what people want to know besides.
  std::vector<std::string> Page(const v1::StatusReport& report) const {
    std::vector<std::string> lines;
    if (report.jobs().empty()) lines.push_back("no job of this user is known on this machine");
    else lines = Table(report);
    const std::string next = status::NextStep(report);
    if (!next.empty() && (terminal || report.jobs().empty())) lines.push_back(absl::StrCat("next: ", next));
    return lines;
  }
};

void PrintLines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::puts(line.c_str());
}

void Print(const v1::StatusReport& report, const Form& form) {
  if (form.IsTable()) return PrintLines(form.Page(report));
  if (form.format == "json") std::fputs(json::ToJsonText(report).c_str(), stdout);
  for (const v1::JobStatus& job : report.jobs()) {
    if (form.format == "jsonl") std::puts(json::ToJsonLine(job).c_str());
    if (form.format == "name") std::puts(job.job().c_str());
  }
}

// --- watching ---

// Calls `show` with one report after the other until Ctrl-C.
template <typename Show>
StatusOr<VerbExit> ForEachReport(Source& source, absl::Duration interval, const Show& show) {
  CatchInterrupts();
  do {
    EndIfNobodyReads();
    DEIT_ASSIGN_OR_RETURN(const v1::StatusReport report, source.Report());
    show(report);
  } while (SleepUnlessInterrupted(interval));
  return VerbExit::kInterrupted;
}

StatusOr<VerbExit> Redraw(Source& source, const Form& form, absl::Duration interval) {
  text::LiveBlock block;
  const auto exit = ForEachReport(source, interval, [&](const v1::StatusReport& report) {
    std::fputs(
        block.Draw(form.Page(report), static_cast<size_t>(TerminalWidth(STDOUT_FILENO)), static_cast<size_t>(TerminalHeight(STDOUT_FILENO)))
            .c_str(),
        stdout);
    std::fflush(stdout);
  });
  std::fputs("\r\033[K", stdout);  // the terminal's ^C
  return exit;
}

// The lines of those jobs alone, in the widths of the whole table.
void AppendRows(const v1::StatusReport& report, const std::vector<v1::StatusChange>& changes, bool first, const Form& form) {
  std::set<std::string> changed;
  for (const v1::StatusChange& change : changes) changed.insert(change.object().job());
  const std::vector<std::string> lines = form.Table(report);
  if (first) std::puts(lines[0].c_str());
  for (int i = 0; i < report.jobs_size(); ++i) {
    if (changed.count(report.jobs(i).job()) > 0) std::puts(lines[static_cast<size_t>(i) + 1].c_str());
  }
}

StatusOr<VerbExit> AppendChanges(Source& source, const Form& form, absl::Duration interval) {
  std::optional<v1::StatusReport> before;
  return ForEachReport(source, interval, [&](const v1::StatusReport& report) {
    const bool first = !before.has_value();
    const std::vector<v1::StatusChange> changes = status::ChangesBetween(before.value_or(v1::StatusReport()), report);
    if (form.IsTable()) AppendRows(report, changes, first, form);
    for (const v1::StatusChange& change : changes) {
      if (form.format == "jsonl") std::puts(json::ToJsonLine(change).c_str());
    }
    std::fflush(stdout);
    before = report;
  });
}

StatusOr<VerbExit> Watch(Source& source, const Form& form, const std::string& interval_text) {
  DEIT_ASSIGN_OR_RETURN(const absl::Duration interval, ParseSeconds("watch", interval_text));
  if (interval < kShortestInterval) {
    return UsageError(absl::StrCat("--watch: ", interval_text, ": want at least ", absl::FormatDuration(kShortestInterval)));
  }
  if (form.format == "json" || form.format == "name") {
    return UsageError(absl::StrCat("--watch: ", form.format, ": cannot be watched"), "-o jsonl prints one object for each change");
  }
  return form.IsTable() && CanRewriteLines(STDOUT_FILENO) ? Redraw(source, form, interval) : AppendChanges(source, form, interval);
}

StatusOr<VerbExit> RunStatus(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const std::string format, OutputFormat(arguments, {"table", "wide", "json", "jsonl", "name"}));
  DEIT_ASSIGN_OR_RETURN(Source source, Source::Open(arguments));
  const Form form{.format = format, .terminal = ::isatty(STDOUT_FILENO) != 0, .color = CanShowColor(STDOUT_FILENO)};
  if (const auto interval = arguments.Value("watch")) return Watch(source, form, *interval);
  DEIT_ASSIGN_OR_RETURN(const v1::StatusReport report, source.Report());
  for (const std::string& unreadable : report.unreadable()) LogWarning(absl::StrCat("record skipped: ", unreadable));
  Print(report, form);
  return VerbExit::kDone;
}

std::vector<Flag> StatusFlags() {
  std::vector<Flag> flags = OutputFlags("table|wide|json|jsonl|name");
  flags.push_back({.name = "watch",
                   .value = "SECONDS",
                   .help = absl::StrCat("repeat every ", kDefaultInterval, " s: redrawn on a terminal, changes alone elsewhere"),
                   .implied = kDefaultInterval});
  return flags;
}

}  // namespace

const Verb kStatus{
    .name = "status",
    .summary = "show what the jobs of this user on this machine do",
    .usage = {"status [JOB] [--json|-o FORMAT] [--watch[=SECONDS]]"},
    .examples =
        {
            "deit-coord status",
            "deit-coord status 7f3a --watch",
            "deit-coord status --json | jq -r '.jobs[] | select(.state == \"FAILED\") | .reason'",
        },
    .flags = StatusFlags(),
    .run = RunStatus,
};

}  // namespace deit::cli
