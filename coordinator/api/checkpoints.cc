#include "coordinator/api/checkpoints.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/checkpoint/checkpoint_layout.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/retention.h"
#include "common/files/operations.h"
#include "coordinator/api/checkpoint_export.h"

namespace deit::api {
namespace {

using checkpoint::CheckpointEntry;
using checkpoint::CheckpointState;
using checkpoint::Location;
using Verification = v1::CheckpointVerification::Result;

constexpr char kListSchema[] = "deit.checkpoints/v1";

// The checkpoints that a folder names: all of a run, or the one.
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

v1::CheckpointEntry::State StateOf(CheckpointState state) {
  switch (state) {
    case CheckpointState::kComplete: return v1::CheckpointEntry::COMPLETE;
    case CheckpointState::kIncomplete: return v1::CheckpointEntry::INCOMPLETE;
    case CheckpointState::kDamaged: return v1::CheckpointEntry::DAMAGED;
    case CheckpointState::kUnreadable: return v1::CheckpointEntry::UNREADABLE;
  }
  return v1::CheckpointEntry::UNREADABLE;
}

v1::CheckpointEntry Describe(const CheckpointEntry& set) {
  v1::CheckpointEntry entry;
  entry.set_step(set.step);
  entry.set_state(StateOf(set.state));
  entry.set_reason(set.reason);
  entry.set_path(set.path);
  entry.set_bytes(set.bytes);
  if (!set.manifest) return entry;
  const v1::CheckpointManifest& manifest = *set.manifest;
  if (manifest.has_epoch()) entry.set_epoch(manifest.epoch());
  if (manifest.has_val_acc1()) entry.set_val_acc1(manifest.val_acc1());
  entry.set_workers(manifest.workers());
  entry.set_created(manifest.created());
  entry.set_weights_digest(manifest.weights_digest());
  entry.set_state_digest(manifest.state_digest());
  return entry;
}

Verification Verify(files::FileSystem& fs, const CheckpointEntry& set) {
  Verification result;
  result.set_step(set.step);
  result.set_name(checkpoint::CheckpointName(set.step));
  result.set_bytes(set.bytes);
  if (set.state == CheckpointState::kIncomplete) {
    result.set_verdict(Verification::INCOMPLETE);
    result.add_faults(set.reason);
    return result;
  }
  for (const Status& fault : checkpoint::FindFaults(fs, set.path)) result.add_faults(std::string(fault.message()));
  result.set_verdict(result.faults().empty() ? Verification::GOOD : Verification::BAD);
  if (set.manifest) result.set_files(set.manifest->files_size());
  return result;
}

bool Stays(const CheckpointEntry& set, const std::vector<int64_t>& deleted) {
  return set.state == CheckpointState::kComplete && std::find(deleted.begin(), deleted.end(), set.step) == deleted.end();
}

}  // namespace

StatusOr<v1::CheckpointList> ListCheckpoints(files::FileSystem& fs, const std::string& dir) {
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> aside, checkpoint::ListQuarantined(fs, selection.location.root));
  v1::CheckpointList list;
  list.set_schema(kListSchema);
  list.set_root(selection.location.root);
  for (const CheckpointEntry& set : selection.sets) *list.add_sets() = Describe(set);
  for (const std::string& name : aside) list.add_set_aside(name);
  return list;
}

StatusOr<v1::CheckpointVerification> VerifyCheckpoints(files::FileSystem& fs, const std::string& dir) {
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  if (selection.sets.empty()) return absl::NotFoundError(absl::StrCat(dir, ": no checkpoint"));
  v1::CheckpointVerification verification;
  verification.set_good(true);
  for (const CheckpointEntry& set : selection.sets) {
    Verification& result = *verification.add_checkpoints();
    result = Verify(fs, set);
    // One in the making is no fault of a run folder, but it is one where it was named.
    const bool counts = result.verdict() == Verification::BAD || selection.location.step.has_value();
    if (counts && result.verdict() != Verification::GOOD) verification.set_good(false);
  }
  return verification;
}

StatusOr<v1::CheckpointExport> ExportCheckpoint(files::FileSystem& fs, const std::string& dir, const std::string& output, bool ema) {
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  const auto newest = std::find_if(selection.sets.rbegin(), selection.sets.rend(),
                                   [](const CheckpointEntry& set) { return set.state == CheckpointState::kComplete; });
  if (newest == selection.sets.rend()) {
    const std::string why = selection.sets.empty() ? "" : absl::StrCat(": ", selection.sets.back().reason);
    return absl::NotFoundError(absl::StrCat(dir, ": no complete checkpoint", why));
  }
  const std::string run_folder = files::ParentOf(selection.location.root);
  DEIT_ASSIGN_OR_RETURN(v1::CheckpointExport exported, ExportCheckpoint(fs, run_folder, newest->path, output, ema));
  exported.set_step(newest->step);
  return exported;
}

StatusOr<v1::CheckpointPruning> PlanCheckpointPruning(files::FileSystem& fs, const std::string& dir, int keep) {
  DEIT_ASSIGN_OR_RETURN(const Selection selection, Select(fs, dir));
  if (selection.location.step) {
    return absl::InvalidArgumentError(absl::StrCat(dir, ": is one checkpoint: prune wants a run folder or its checkpoints folder"));
  }
  const std::vector<int64_t> steps = checkpoint::PlanPrune(selection.sets, keep, checkpoint::Unfinished::kMayBeWritten);
  v1::CheckpointPruning pruning;
  pruning.set_root(selection.location.root);
  if (steps.empty()) return pruning;
  for (const CheckpointEntry& set : selection.sets) {  // nothing goes before its successor is known to be good
    if (!Stays(set, steps)) continue;
    DEIT_RETURN_IF_ERROR(WithHint(checkpoint::VerifyCheckpoint(fs, set.path).status(),
                                  "nothing was deleted; deit-coord checkpoint verify shows all faults"));
  }
  for (const int64_t step : steps) {
    pruning.add_steps(step);
    pruning.add_names(checkpoint::CheckpointName(step));
  }
  return pruning;
}

Status PruneCheckpoints(files::FileSystem& fs, const v1::CheckpointPruning& pruning) {
  for (const int64_t step : pruning.steps()) DEIT_RETURN_IF_ERROR(checkpoint::RemoveCheckpoint(fs, pruning.root(), step));
  return absl::OkStatus();
}

}  // namespace deit::api
