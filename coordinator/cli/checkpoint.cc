// `deit-coord checkpoint list|verify|export|prune DIR`: what a run has saved, whether it is whole, and what may go.
#include <algorithm>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/nearest.h"
#include "common/base/numbers.h"
#include "common/checkpoint/checkpoint_layout.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/retention.h"
#include "common/files/operations.h"
#include "common/json/json_text.h"
#include "coordinator/cli/checkpoint_export.h"
#include "coordinator/cli/confirm.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

using checkpoint::CheckpointEntry;
using checkpoint::CheckpointState;
using checkpoint::Location;

const char* Word(CheckpointState state) {
  switch (state) {
    case CheckpointState::kComplete: return "COMPLETE";
    case CheckpointState::kIncomplete: return "INCOMPLETE";
    case CheckpointState::kDamaged: return "DAMAGED";
    case CheckpointState::kUnreadable: return "UNREADABLE";
  }
  return "";
}

// What DIR names: every set of a folder, or the one.
struct Selection {
  Location location;
  std::vector<CheckpointEntry> sets;  // oldest first
};

StatusOr<Selection> Select(files::FileSystem& fs, const std::string& dir) {
  Selection selection;
  DEIT_ASSIGN_OR_RETURN(selection.location, checkpoint::Locate(fs, dir));
  DEIT_ASSIGN_OR_RETURN(selection.sets, checkpoint::ListCheckpoints(fs, selection.location.root));
  const std::optional<int64_t> step = selection.location.step;
  const auto other = [step](const CheckpointEntry& set) { return step && set.step != *step; };
  selection.sets.erase(std::remove_if(selection.sets.begin(), selection.sets.end(), other), selection.sets.end());
  return selection;
}

// --- list ---

std::string Row(const CheckpointEntry& set, absl::Time now) {
  const v1::CheckpointManifest* m = set.manifest ? &*set.manifest : nullptr;
  return absl::StrFormat("%10d  %7s  %6s  %7s  %9s  %6s  %s\n", set.step, m && m->has_epoch() ? absl::StrFormat("%.2f", m->epoch()) : "-",
                         m && m->has_val_acc1() ? AccuracyText(m->val_acc1()) : "-", m ? absl::StrCat(m->workers()) : "-",
                         BytesText(static_cast<double>(set.bytes)),
                         m && m->has_created() ? DurationText(now - absl::UnixEpoch() - absl::Seconds(m->created())) : "-",
                         Word(set.state));
}

void PrintTable(const Selection& selection, const std::vector<std::string>& aside) {
  if (selection.sets.empty()) absl::PrintF("no checkpoint in %s\n", selection.location.root);
  if (!selection.sets.empty())
    absl::PrintF("%10s  %7s  %6s  %7s  %9s  %6s  %s\n", "STEP", "EPOCH", "ACC1", "WORKERS", "SIZE", "AGE", "STATE");
  for (const CheckpointEntry& set : selection.sets) std::fputs(Row(set, absl::Now()).c_str(), stdout);
  for (const CheckpointEntry& set : selection.sets) {
    if (!set.reason.empty()) absl::PrintF("%s: %s\n", checkpoint::CheckpointName(set.step), set.reason);
  }
  if (!aside.empty()) absl::PrintF("set aside: %s\n", absl::StrJoin(aside, ", "));
}

std::string JsonObject(const CheckpointEntry& set) {
  const v1::CheckpointManifest* m = set.manifest ? &*set.manifest : nullptr;
  return absl::StrCat("{\"step\": ", set.step, ", \"state\": \"", Word(set.state), "\", \"reason\": ", json::JsonQuote(set.reason),
                      ", \"path\": ", json::JsonQuote(set.path), ", \"bytes\": ", set.bytes,
                      ", \"epoch\": ", m && m->has_epoch() ? RoundTripText(m->epoch()) : "null",
                      ", \"val_acc1\": ", m && m->has_val_acc1() ? RoundTripText(m->val_acc1()) : "null",
                      ", \"workers\": ", m ? absl::StrCat(m->workers()) : "null",
                      ", \"created\": ", m ? RoundTripText(m->created()) : "null",
                      ", \"weights_digest\": ", m ? json::JsonQuote(m->weights_digest()) : "null",
                      ", \"state_digest\": ", m ? json::JsonQuote(m->state_digest()) : "null", "}");
}

StatusOr<VerbExit> List(files::FileSystem& fs, const Arguments& arguments, const std::string& dir) {
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> aside, checkpoint::ListQuarantined(fs, selection.location.root));
  if (!arguments.Has("json")) {
    PrintTable(selection, aside);
    return VerbExit::kDone;
  }
  const std::string sets =
      absl::StrJoin(selection.sets, ",\n    ", [](std::string* out, const CheckpointEntry& set) { out->append(JsonObject(set)); });
  const std::string names =
      absl::StrJoin(aside, ", ", [](std::string* out, const std::string& name) { out->append(json::JsonQuote(name)); });
  absl::PrintF("{\n  \"schema\": \"deit.checkpoints/v1\",\n  \"sets\": [%s%s%s],\n  \"set_aside\": [%s]\n}\n", sets.empty() ? "" : "\n    ",
               sets, sets.empty() ? "" : "\n  ", names);
  return VerbExit::kDone;
}

// --- verify ---

StatusOr<VerbExit> Verify(files::FileSystem& fs, const Arguments&, const std::string& dir) {
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  if (selection.sets.empty()) return absl::NotFoundError(absl::StrCat(dir, ": no checkpoint"));
  VerbExit exit = VerbExit::kDone;
  for (const CheckpointEntry& set : selection.sets) {
    std::vector<Status> faults = checkpoint::FindFaults(fs, set.path);
    if (set.state == CheckpointState::kIncomplete) faults = {absl::NotFoundError(set.reason)};
    // A set in the making is no fault of a run folder, but it is one of a set that was named.
    const bool counts = set.state != CheckpointState::kIncomplete || selection.location.step.has_value();
    const char* word = set.state == CheckpointState::kIncomplete ? "incomplete" : "bad";
    absl::PrintF("%s: %s\n", checkpoint::CheckpointName(set.step),
                 faults.empty() ? absl::StrCat("good, ", set.manifest ? set.manifest->files_size() : 0, " files, ",
                                               BytesText(static_cast<double>(set.bytes)))
                                : word);
    for (const Status& fault : faults) absl::PrintF("  %s\n", fault.message());
    if (counts && !faults.empty()) exit = VerbExit::kFailed;
  }
  return exit;
}

// --- export ---

StatusOr<VerbExit> Export(files::FileSystem& fs, const Arguments& arguments, const std::string& dir) {
  const ExportOptions options{.output = arguments.Value("output").value_or(""), .ema = arguments.Has("ema")};
  if (options.output.empty()) return UsageError("checkpoint export: no folder to write to", "add --output=FOLDER");
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  const auto newest = std::find_if(selection.sets.rbegin(), selection.sets.rend(),
                                   [](const CheckpointEntry& set) { return set.state == CheckpointState::kComplete; });
  if (newest == selection.sets.rend()) {
    const std::string why = selection.sets.empty() ? "" : absl::StrCat(": ", selection.sets.back().reason);
    return absl::NotFoundError(absl::StrCat(dir, ": no complete checkpoint", why));
  }
  const std::string run_folder = files::ParentOf(selection.location.root);
  DEIT_ASSIGN_OR_RETURN(const Exported exported, ExportCheckpoint(fs, run_folder, newest->path, options));
  absl::PrintF("%s of step %d: %d tensors, %s, in %s\n", options.ema ? "averaged weights" : "weights", newest->step, exported.tensors,
               BytesText(static_cast<double>(exported.bytes)), options.output);
  std::puts(exported.how_to_load.c_str());
  return VerbExit::kDone;
}

// --- prune ---

StatusOr<VerbExit> Prune(files::FileSystem& fs, const Arguments& arguments, const std::string& dir) {
  int keep = 0;
  if (!absl::SimpleAtoi(arguments.Value("keep").value_or(""), &keep) || keep < 1) {
    return UsageError("checkpoint prune: --keep: want a number of sets, at least 1", "add --keep=2");
  }
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  if (selection.location.step) return UsageError(absl::StrCat(dir, ": is one set: prune wants a run folder or its checkpoints folder"));
  const std::vector<int64_t> steps = checkpoint::PlanPrune(selection.sets, keep, checkpoint::Unfinished::kMayBeWritten);
  if (steps.empty()) {
    std::puts("nothing to delete");
    return VerbExit::kDone;
  }
  // Nothing goes before its successor is known to be good.
  for (const CheckpointEntry& set : selection.sets) {
    const bool stays = set.state == CheckpointState::kComplete && std::find(steps.begin(), steps.end(), set.step) == steps.end();
    if (!stays) continue;
    DEIT_RETURN_IF_ERROR(WithHint(checkpoint::VerifyCheckpoint(fs, set.path).status(),
                                  "nothing was deleted; deit-coord checkpoint verify shows all faults"));
  }
  const std::string names =
      absl::StrJoin(steps, ", ", [](std::string* out, int64_t step) { out->append(checkpoint::CheckpointName(step)); });
  DEIT_ASSIGN_OR_RETURN(const bool confirmed, Confirm(arguments, "checkpoint prune", absl::StrCat("delete ", names, "?")));
  if (!confirmed) return absl::CancelledError("checkpoint prune: nothing was deleted");
  for (int64_t step : steps) DEIT_RETURN_IF_ERROR(checkpoint::RemoveCheckpoint(fs, selection.location.root, step));
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
      {"list", List, {"json"}}, {"verify", Verify, {}}, {"export", Export, {"output", "ema"}}, {"prune", Prune, {"keep", "yes"}}};
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
    return UsageError(absl::StrCat("checkpoint ", words[0], ": want one folder: a run folder, its checkpoints folder, or one set"));
  }
  return action->run(files::FileSystem::Posix(), arguments, words[1]);
}

}  // namespace

const Verb kCheckpoint{
    .name = "checkpoint",
    .summary = "list, verify, export or delete what a run has saved",
    .usage = {"checkpoint list DIR [--json]", "checkpoint verify DIR", "checkpoint export DIR --output=FOLDER [--ema]",
              "checkpoint prune DIR --keep=N [--yes]"},
    .examples = {"deit-coord checkpoint list runs/student", "deit-coord checkpoint export runs/student --output=student_timm"},
    .flags = {{.name = "json", .value = "", .help = "list: as JSON"},
              {.name = "output", .value = "FOLDER", .help = "export: where model.safetensors and config.json go"},
              {.name = "ema", .value = "", .help = "export: the averaged weights"},
              {.name = "keep", .value = "N", .help = "prune: the newest N sets stay, and the best"},
              YesFlag("prune: ")},
    .run = RunCheckpoint,
};

}  // namespace deit::cli
