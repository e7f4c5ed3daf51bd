#include "common/checkpoint/retention.h"

#include <algorithm>
#include <set>

namespace deit::checkpoint {

std::vector<int64_t> PlanRetention(absl::Span<const RetentionEntry> checkpoints, int keep, Unfinished unfinished) {
  std::vector<RetentionEntry> complete;
  std::copy_if(checkpoints.begin(), checkpoints.end(), std::back_inserter(complete),
               [](const RetentionEntry& checkpoint) { return checkpoint.complete; });
  if (complete.empty()) return {};
  std::sort(complete.begin(), complete.end(), [](const auto& a, const auto& b) { return a.step > b.step; });
  const int64_t newest = complete[0].step;
  std::set<int64_t> kept;
  for (size_t i = 0; i < complete.size() && kept.size() < static_cast<size_t>(std::max(keep, 1)); ++i) {
    const bool same_weights = i > 0 && complete[i].updates && complete[i].updates == complete[i - 1].updates;
    if (!same_weights) kept.insert(complete[i].step);
  }
  const RetentionEntry* best = nullptr;
  for (const RetentionEntry& checkpoint : complete) {
    if (checkpoint.val_acc1 && (best == nullptr || *checkpoint.val_acc1 > *best->val_acc1)) best = &checkpoint;
  }
  if (best != nullptr) kept.insert(best->step);
  std::vector<int64_t> deleted;
  for (const RetentionEntry& checkpoint : checkpoints) {
    const bool may_be_written = !checkpoint.complete && checkpoint.step > newest && unfinished == Unfinished::kMayBeWritten;
    if (kept.count(checkpoint.step) == 0 && !may_be_written) deleted.push_back(checkpoint.step);
  }
  std::sort(deleted.begin(), deleted.end());
  return deleted;
}

std::vector<int64_t> PlanPrune(absl::Span<const CheckpointEntry> checkpoints, int keep, Unfinished unfinished,
                               v1::CheckpointSpec::BestBy best_by) {
  std::vector<RetentionEntry> entries;
  for (const CheckpointEntry& checkpoint : checkpoints) {
    if (checkpoint.state != CheckpointState::kComplete && checkpoint.state != CheckpointState::kIncomplete) continue;
    RetentionEntry entry{.step = checkpoint.step, .val_acc1 = std::nullopt, .complete = checkpoint.state == CheckpointState::kComplete};
    if (const auto& manifest = checkpoint.manifest) {
      const bool of_averages = best_by == v1::CheckpointSpec::VAL_ACC1_EMA && manifest->has_val_acc1_ema();
      if (of_averages) entry.val_acc1 = manifest->val_acc1_ema();
      else if (manifest->has_val_acc1()) entry.val_acc1 = manifest->val_acc1();
      if (manifest->has_adam_steps()) entry.updates = manifest->adam_steps();
    }
    entries.push_back(entry);
  }
  return PlanRetention(entries, keep, unfinished);
}

StatusOr<std::vector<int64_t>> PruneCheckpoints(files::FileSystem& fs, const std::string& root, int keep, Unfinished unfinished,
                                                v1::CheckpointSpec::BestBy best_by) {
  DEIT_ASSIGN_OR_RETURN(const std::vector<CheckpointEntry> checkpoints, ListCheckpoints(fs, root));
  const std::vector<int64_t> steps = PlanPrune(checkpoints, keep, unfinished, best_by);
  for (int64_t step : steps) DEIT_RETURN_IF_ERROR(RemoveCheckpoint(fs, root, step));
  return steps;
}

}  // namespace deit::checkpoint
