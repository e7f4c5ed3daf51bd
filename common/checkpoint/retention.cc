#include "common/checkpoint/retention.h"

#include <algorithm>
#include <set>

namespace deit::checkpoint {

std::vector<int64_t> PlanRetention(absl::Span<const RetentionEntry> sets, int keep, Unfinished unfinished) {
  std::vector<RetentionEntry> complete;
  std::copy_if(sets.begin(), sets.end(), std::back_inserter(complete), [](const RetentionEntry& set) { return set.complete; });
  if (complete.empty()) return {};
  std::sort(complete.begin(), complete.end(), [](const auto& a, const auto& b) { return a.step > b.step; });
  const int64_t newest = complete[0].step;
  std::set<int64_t> kept;
  for (size_t i = 0; i < complete.size() && i < static_cast<size_t>(std::max(keep, 1)); ++i) kept.insert(complete[i].step);
  const RetentionEntry* best = nullptr;
  for (const RetentionEntry& set : complete) {
    if (set.val_acc1 && (best == nullptr || *set.val_acc1 > *best->val_acc1)) best = &set;
  }
  if (best != nullptr) kept.insert(best->step);
  std::vector<int64_t> deleted;
  for (const RetentionEntry& set : sets) {
    const bool may_be_written = !set.complete && set.step > newest && unfinished == Unfinished::kMayBeWritten;
    if (kept.count(set.step) == 0 && !may_be_written) deleted.push_back(set.step);
  }
  std::sort(deleted.begin(), deleted.end());
  return deleted;
}

std::vector<int64_t> PlanPrune(absl::Span<const CheckpointEntry> sets, int keep, Unfinished unfinished) {
  std::vector<RetentionEntry> entries;
  for (const CheckpointEntry& set : sets) {
    if (set.state != CheckpointState::kComplete && set.state != CheckpointState::kIncomplete) continue;
    RetentionEntry entry{.step = set.step, .val_acc1 = std::nullopt, .complete = set.state == CheckpointState::kComplete};
    if (set.manifest && set.manifest->has_val_acc1()) entry.val_acc1 = set.manifest->val_acc1();
    entries.push_back(entry);
  }
  return PlanRetention(entries, keep, unfinished);
}

StatusOr<std::vector<int64_t>> PruneCheckpoints(files::FileSystem& fs, const std::string& root, int keep, Unfinished unfinished) {
  DEIT_ASSIGN_OR_RETURN(const std::vector<CheckpointEntry> sets, ListCheckpoints(fs, root));
  const std::vector<int64_t> steps = PlanPrune(sets, keep, unfinished);
  for (int64_t step : steps) DEIT_RETURN_IF_ERROR(RemoveCheckpoint(fs, root, step));
  return steps;
}

}  // namespace deit::checkpoint
