// `deit-coord plan`: the image of each place of each step. Reads the data set's index, but no image.
#include <algorithm>
#include <array>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/job/state_folder.h"
#include "common/json/message_json.h"
#include "coordinator/api/plan.h"
#include "coordinator/cli/job_arguments.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

using api::StepRange;

StatusOr<StepRange> ParseSteps(const Arguments& arguments) {
  const std::optional<std::string> text = arguments.Value("steps");
  if (!text) return UsageError("plan: no steps given", "add --steps=A:B, for example --steps=0:2");
  const std::vector<std::string> bounds = absl::StrSplit(*text, ':');
  StepRange steps{};
  if (bounds.size() != 2 || !absl::SimpleAtoi(bounds[0], &steps.begin) || !absl::SimpleAtoi(bounds[1], &steps.end)) {
    return UsageError(absl::StrCat("--steps: ", *text, ": want A:B, two whole numbers"), "--steps=0:2 shows steps 0 and 1");
  }
  if (steps.begin >= steps.end) return UsageError(absl::StrCat("--steps: ", *text, ": the first is not below the second: no step to show"));
  if (steps.end > api::kMaxPlanSteps)
    return UsageError(absl::StrCat("--steps: ", *text, ": beyond the largest step, ", api::kMaxPlanSteps));
  return steps;
}

class JsonLines : public api::PlanSink {
 public:
  void Begin(const v1::PlanPlace&) override {}
  void Place(const v1::PlanPlace& place) override { std::puts(json::ToSpacedJsonLine(place).c_str()); }
};

// Columns get their width from the largest values, so that rows are printed as they come.
class Table : public api::PlanSink {
 public:
  void Begin(const v1::PlanPlace& largest) override {
    const std::array<std::string, kColumns> widest = Cells(largest);
    for (size_t i = 0; i < kColumns; ++i) widths_[i] = std::max(titles_[i].size(), widest[i].size());
    Print(titles_);
  }
  void Place(const v1::PlanPlace& place) override { Print(Cells(place)); }

 private:
  static constexpr size_t kColumns = 8;
  const std::array<std::string, kColumns> titles_ = {"STEP", "LANE", "SLOT", "POSITION", "EPOCH", "REPEAT", "IMAGE", "LABELLED"};

  static std::array<std::string, kColumns> Cells(const v1::PlanPlace& place) {
    return {absl::StrCat(place.step()),  absl::StrCat(place.lane()),   absl::StrCat(place.slot()),  absl::StrCat(place.position()),
            absl::StrCat(place.epoch()), absl::StrCat(place.repeat()), absl::StrCat(place.image()), place.labelled() ? "yes" : "no"};
  }
  void Print(const std::array<std::string, kColumns>& cells) const {
    for (size_t i = 0; i < kColumns; ++i) {
      absl::PrintF("%*s%s", static_cast<int>(widths_[i]), cells[i], i + 1 == kColumns ? "\n" : "  ");
    }
  }

  std::array<size_t, kColumns> widths_{};
};

StatusOr<VerbExit> RunPlan(const Arguments& arguments) {
  if (!arguments.words().empty()) {
    return UsageError(absl::StrCat("plan: unexpected argument: ", arguments.words()[0]), "the job file goes into --config=FILE");
  }
  DEIT_ASSIGN_OR_RETURN(const std::string format, OutputFormat(arguments, {"table", "json"}));
  DEIT_ASSIGN_OR_RETURN(const StepRange steps, ParseSteps(arguments));
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, LoadJob(arguments));
  JsonLines json;
  Table table;
  api::PlanSink& sink = format == "json" ? static_cast<api::PlanSink&>(json) : table;
  DEIT_RETURN_IF_ERROR(api::ShowPlan(job, job::IndexFolder(), steps, sink));
  return VerbExit::kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = OutputFlags("table|json", "; json: one object a line");
  flags.insert(flags.begin(), {ConfigFlag(), {.name = "steps", .value = "A:B", .help = "the steps to show: A to B - 1"}});
  return flags;
}

}  // namespace

const Verb kPlan{
    .name = "plan",
    .summary = "show which image each lane trains on in each step",
    .usage = {"plan --config=FILE --steps=A:B [--json] [path=value ...]"},
    .examples =
        {
            "deit-coord plan --config=configs/quickstart/student.textproto --steps=0:1",
            "deit-coord plan --config=configs/quickstart/student.textproto --steps=100:102 --json",
        },
    .flags = Flags(),
    .run = RunPlan,
};

}  // namespace deit::cli
