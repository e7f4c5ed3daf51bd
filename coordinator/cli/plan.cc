// `deit-coord plan`: which image stands at which place of which step. Reads the data set's index, but no image.
#include <algorithm>
#include <array>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/dataset/index.h"
#include "common/job/state_folder.h"
#include "common/plan/job_sampler.h"
#include "common/plan/lanes.h"
#include "coordinator/cli/job_arguments.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

struct StepRange {
  uint64_t begin, end;
};

// The largest batch times this many steps still numbers its positions in 64 bits.
constexpr uint64_t kMaxSteps = uint64_t{1} << 43;

StatusOr<StepRange> ParseSteps(const Arguments& arguments) {
  const std::optional<std::string> text = arguments.Value("steps");
  if (!text) return UsageError("plan: no steps given", "add --steps=A:B, for example --steps=0:2");
  const std::vector<std::string> bounds = absl::StrSplit(*text, ':');
  StepRange steps{};
  if (bounds.size() != 2 || !absl::SimpleAtoi(bounds[0], &steps.begin) || !absl::SimpleAtoi(bounds[1], &steps.end)) {
    return UsageError(absl::StrCat("--steps: ", *text, ": want A:B, two whole numbers"), "--steps=0:2 shows steps 0 and 1");
  }
  if (steps.begin >= steps.end) return UsageError(absl::StrCat("--steps: ", *text, ": the first is not below the second: no step to show"));
  if (steps.end > kMaxSteps) return UsageError(absl::StrCat("--steps: ", *text, ": beyond the largest step, ", kMaxSteps));
  return steps;
}

// One place of one step.
struct PlanRow {
  uint64_t step, lane, slot;
  plan::View view;
};

// Calls `print` for each place of the steps, in order of positions.
template <typename Print>
void ForEachRow(const plan::Sampler& stream, int lanes, StepRange steps, const Print& print) {
  const uint64_t batch_size = stream.options().batch_size;
  const uint64_t micro_batch = batch_size / static_cast<uint64_t>(lanes);
  for (uint64_t step = steps.begin; step < steps.end; ++step) {
    for (int lane = 0; lane < lanes; ++lane) {
      for (uint64_t slot = 0; slot < micro_batch; ++slot) {
        print(PlanRow{step, static_cast<uint64_t>(lane), slot, stream.At(plan::PositionOf(step, lane, slot, batch_size, lanes))});
      }
    }
  }
}

void PrintJson(const plan::Sampler& stream, int lanes, StepRange steps) {
  ForEachRow(stream, lanes, steps, [](const PlanRow& row) {
    absl::PrintF(
        "{\"step\": %d, \"lane\": %d, \"slot\": %d, \"position\": %d, \"epoch\": %d, \"repeat\": %d, \"image\": %d, "
        "\"labelled\": %s}\n",
        row.step, row.lane, row.slot, row.view.position, row.view.epoch, row.view.repeat, row.view.image,
        row.view.labelled ? "true" : "false");
  });
}

void PrintTable(const plan::Sampler& stream, int lanes, StepRange steps) {
  const uint64_t batch_size = stream.options().batch_size;
  const plan::View last = stream.At(steps.end * batch_size - 1);
  struct Column {
    std::string title;
    std::string widest;  // value: columns get their width from it, so that rows are printed as they come
    int Width() const { return static_cast<int>(std::max(title.size(), widest.size())); }
  };
  const uint64_t lane_count = static_cast<uint64_t>(lanes);
  const std::array<Column, 8> columns{{{"STEP", absl::StrCat(steps.end - 1)},
                                       {"LANE", absl::StrCat(lane_count - 1)},
                                       {"SLOT", absl::StrCat(batch_size / lane_count - 1)},
                                       {"POSITION", absl::StrCat(last.position)},
                                       {"EPOCH", absl::StrCat(last.epoch)},
                                       {"REPEAT", absl::StrCat(stream.options().repeated_aug - 1)},
                                       {"IMAGE", absl::StrCat(stream.options().images - 1)},
                                       {"LABELLED", "yes"}}};
  const auto end_of = [&columns](size_t column) { return column + 1 == columns.size() ? "\n" : "  "; };
  for (size_t i = 0; i < columns.size(); ++i) absl::PrintF("%*s%s", columns[i].Width(), columns[i].title, end_of(i));
  ForEachRow(stream, lanes, steps, [&](const PlanRow& row) {
    const auto& [position, epoch, image, repeat, labelled] = row.view;
    std::array<std::string, 8> values{{}};
    const uint64_t numbers[] = {row.step, row.lane, row.slot, position, epoch, repeat, image};
    std::transform(std::begin(numbers), std::end(numbers), values.begin(), [](uint64_t number) { return absl::StrCat(number); });
    values.back() = labelled ? "yes" : "no";
    for (size_t i = 0; i < columns.size(); ++i) absl::PrintF("%*s%s", columns[i].Width(), values[i], end_of(i));
  });
}

StatusOr<VerbExit> RunPlan(const Arguments& arguments) {
  if (!arguments.words().empty()) return UsageError(absl::StrCat("plan: unexpected argument: ", arguments.words()[0]));
  DEIT_ASSIGN_OR_RETURN(const std::string format, OutputFormat(arguments, {"table", "json"}));
  DEIT_ASSIGN_OR_RETURN(const StepRange steps, ParseSteps(arguments));
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, LoadJob(arguments));
  DEIT_ASSIGN_OR_RETURN(const auto index, dataset::OpenIndex(job, dataset::Split::kTrain, job::IndexFolder()));
  DEIT_ASSIGN_OR_RETURN(const plan::Sampler stream, plan::SamplerOf(job, static_cast<uint64_t>(index->size())));
  if (format == "json") {
    PrintJson(stream, job.train().lanes(), steps);
  } else {
    PrintTable(stream, job.train().lanes(), steps);
  }
  return VerbExit::kDone;
}

std::vector<Flag> PlanFlags() {
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
    .flags = PlanFlags(),
    .run = RunPlan,
};

}  // namespace deit::cli
