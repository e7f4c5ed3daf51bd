// `deit-coord checkpoint list|verify|export|prune DIR`: what a run has saved, whether it is sound, and what may go.
#include <algorithm>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/nearest.h"
#include "common/base/numbers.h"
#include "common/checkpoint/checkpoint_layout.h"
#include "common/json/message_json.h"
#include "coordinator/api/checkpoints.h"
#include "coordinator/cli/confirm.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

// --- list ---

std::string Row(const v1::CheckpointEntry& entry, absl::Time now) {
  return absl::StrFormat("%10d  %7s  %6s  %7s  %9s  %6s  %s\n", entry.step(),
                         entry.has_epoch() ? absl::StrFormat("%.2f", entry.epoch()) : "-",
                         entry.has_val_acc1() ? AccuracyText(entry.val_acc1()) : "-",
                         entry.has_workers() ? absl::StrCat(entry.workers()) : "-", BytesText(static_cast<double>(entry.bytes())),
                         entry.created() > 0 ? DurationText(now - absl::UnixEpoch() - absl::Seconds(entry.created())) : "-",
                         v1::CheckpointEntry::State_Name(entry.state()));
}

void PrintTable(const v1::CheckpointList& list) {
  if (list.sets().empty()) absl::PrintF("no checkpoint in %s\n", list.root());
  else absl::PrintF("%10s  %7s  %6s  %7s  %9s  %6s  %s\n", "STEP", "EPOCH", "ACC1", "WORKERS", "SIZE", "AGE", "STATE");
  for (const v1::CheckpointEntry& entry : list.sets()) std::fputs(Row(entry, absl::Now()).c_str(), stdout);
  for (const v1::CheckpointEntry& entry : list.sets()) {
    if (!entry.reason().empty()) absl::PrintF("%s: %s\n", checkpoint::CheckpointName(entry.step()), entry.reason());
  }
  if (!list.set_aside().empty()) absl::PrintF("set aside: %s\n", absl::StrJoin(list.set_aside(), ", "));
}

StatusOr<VerbExit> List(files::FileSystem& fs, const Arguments& arguments, const std::string& dir) {
  DEIT_ASSIGN_OR_RETURN(const v1::CheckpointList list, api::ListCheckpoints(fs, dir));
  constexpr size_t kLineEach = 2;  // a checkpoint
  if (arguments.Has("json")) std::fputs(json::ToJsonText(list, kLineEach).c_str(), stdout);
  else PrintTable(list);
  return VerbExit::kDone;
}

// --- verify ---

std::string VerdictText(const v1::CheckpointVerification::Result& result) {
  switch (result.verdict()) {
    case v1::CheckpointVerification::Result::GOOD:
      return absl::StrCat("good, ", result.files(), " files, ", BytesText(static_cast<double>(result.bytes())));
    case v1::CheckpointVerification::Result::INCOMPLETE: return "incomplete";
    default: return "bad";
  }
}

void PrintVerification(const v1::CheckpointVerification& verification) {
  for (const v1::CheckpointVerification::Result& result : verification.checkpoints()) {
    absl::PrintF("%s: %s\n", result.name(), VerdictText(result));
    for (const std::string& fault : result.faults()) absl::PrintF("  %s\n", fault);
  }
}

StatusOr<VerbExit> Verify(files::FileSystem& fs, const Arguments& arguments, const std::string& dir) {
  DEIT_ASSIGN_OR_RETURN(const v1::CheckpointVerification verification, api::VerifyCheckpoints(fs, dir));
  if (arguments.Has("json")) std::fputs(json::ToJsonText(verification).c_str(), stdout);
  else PrintVerification(verification);
  return verification.good() ? VerbExit::kDone : VerbExit::kFailed;
}

// --- export ---

StatusOr<VerbExit> Export(files::FileSystem& fs, const Arguments& arguments, const std::string& dir) {
  const std::string output = arguments.Value("output").value_or("");
  if (output.empty()) return UsageError("checkpoint export: no folder to write to", "add --output=FOLDER");
  DEIT_ASSIGN_OR_RETURN(const v1::CheckpointExport exported, api::ExportCheckpoint(fs, dir, output, arguments.Has("ema")));
  absl::PrintF("%s of step %d: %d tensors, %s, in %s\n", exported.ema() ? "averaged weights" : "weights", exported.step(),
               exported.tensors(), BytesText(static_cast<double>(exported.bytes())), exported.folder());
  std::puts(exported.how_to_load().c_str());
  return VerbExit::kDone;
}

// --- prune ---

StatusOr<VerbExit> Prune(files::FileSystem& fs, const Arguments& arguments, const std::string& dir) {
  int keep = 0;
  if (!absl::SimpleAtoi(arguments.Value("keep").value_or(""), &keep) || keep < 1) {
    return UsageError("checkpoint prune: --keep: want a number of checkpoints, at least 1", "add --keep=2");
  }
  const auto pruning = api::PlanCheckpointPruning(fs, dir, keep);
  if (absl::IsInvalidArgument(pruning.status())) return WithVerbExit(pruning.status(), VerbExit::kUsage);
  DEIT_RETURN_IF_ERROR(pruning.status());
  if (pruning->steps().empty()) {
    std::puts("nothing to delete");
    return VerbExit::kDone;
  }
  const std::string names = absl::StrJoin(pruning->names(), ", ");
  DEIT_ASSIGN_OR_RETURN(const bool confirmed, Confirm(arguments, "checkpoint prune", absl::StrCat("delete ", names, "?")));
  if (!confirmed) return absl::CancelledError("checkpoint prune: nothing was deleted");
  DEIT_RETURN_IF_ERROR(api::PruneCheckpoints(fs, *pruning));
  absl::PrintF("deleted %s\n", names);
  return VerbExit::kDone;
}

// --- the verb ---

struct Action {
  const char* name;
  StatusOr<VerbExit> (*run)(files::FileSystem& fs, const Arguments& arguments, const std::string& dir);
  std::vector<std::string> flags;  // that it takes
};

StatusOr<VerbExit> RunCheckpoint(const Arguments& arguments) {
  static const std::vector<Action> kActions = {
      {"list", List, {"json"}}, {"verify", Verify, {"json"}}, {"export", Export, {"output", "ema"}}, {"prune", Prune, {"keep", "yes"}}};
  const std::vector<std::string>& words = arguments.words();
  if (words.empty()) return UsageError("checkpoint: no action given: want list, verify, export or prune", "deit-coord help checkpoint");
  const auto action = std::find_if(kActions.begin(), kActions.end(), [&](const Action& a) { return a.name == words[0]; });
  if (action == kActions.end()) {
    const std::string advice = DidYouMean(words[0], {"list", "verify", "export", "prune"});
    return UsageError(absl::StrCat("checkpoint: unknown action: ", words[0], advice), "deit-coord help checkpoint");
  }
  for (const char* flag : {"json", "output", "ema", "keep", "yes"}) {
    const bool taken = std::find(action->flags.begin(), action->flags.end(), flag) != action->flags.end();
    if (arguments.Has(flag) && !taken)
      return UsageError(absl::StrCat("checkpoint ", words[0], ": takes no --", flag), "deit-coord help checkpoint");
  }
  if (words.size() != 2 || !arguments.overrides().empty()) {
    return UsageError(absl::StrCat("checkpoint ", words[0], ": want one folder: a run folder, its checkpoints folder, or one checkpoint"));
  }
  return action->run(files::FileSystem::Posix(), arguments, words[1]);
}

}  // namespace

const Verb kCheckpoint{
    .name = "checkpoint",
    .summary = "list, verify, export or delete what a run has saved",
    .usage = {"checkpoint list DIR [--json]", "checkpoint verify DIR [--json]", "checkpoint export DIR --output=FOLDER [--ema]",
              "checkpoint prune DIR --keep=N [--yes]"},
    .examples = {"deit-coord checkpoint list runs/student", "deit-coord checkpoint export runs/student --output=student_timm"},
    .flags = {{.name = "json", .value = "", .help = "list, verify: as JSON"},
              {.name = "output", .value = "FOLDER", .help = "export: where model.safetensors and config.json go"},
              {.name = "ema", .value = "", .help = "export: the averaged weights"},
              {.name = "keep", .value = "N", .help = "prune: keep the newest N checkpoints, and the best"},
              YesFlag("prune: ")},
    .run = RunCheckpoint,
};

}  // namespace deit::cli
