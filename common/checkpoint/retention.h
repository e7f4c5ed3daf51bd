// Checkpoint retention: PlanRetention selects the checkpoints to delete, PruneCheckpoints deletes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/files/file_system.h"
#include "proto/spec.pb.h"

namespace deit::checkpoint {

struct RetentionEntry {
  int64_t step = 0;
  std::optional<double> val_acc1;  // by which the best is chosen
  bool complete = false;
  std::optional<int64_t> updates = std::nullopt;  // of the weights; checkpoints of equally many hold equal weights
};

enum class Unfinished {
  kMayBeWritten,  // an incomplete checkpoint newer than the newest complete one is left alone
  kAbandoned,     // no writer: every incomplete checkpoint may be deleted
};

// Steps to delete, oldest first. Kept: the newest `keep` complete checkpoints (at least one), and the best by val_acc1 (the newest of
// equals). Of checkpoints with equally many updates only the newest counts: steps that were skipped, whose weights may be beyond recovery,
// do not push out the checkpoint before them. Incomplete checkpoints older than the newest complete one go. Without a complete checkpoint
// nothing goes. Pure.
std::vector<int64_t> PlanRetention(absl::Span<const RetentionEntry> checkpoints, int keep, Unfinished unfinished);

// The same for listed checkpoints. Damaged and unreadable ones stay for inspection. Pure.
std::vector<int64_t> PlanPrune(absl::Span<const CheckpointEntry> checkpoints, int keep, Unfinished unfinished,
                               v1::CheckpointSpec::BestBy best_by = v1::CheckpointSpec::VAL_ACC1);

// Deletes by plan and returns the deleted steps. Call it after CommitCheckpoint, so that everything it deletes has a durable
// successor.
StatusOr<std::vector<int64_t>> PruneCheckpoints(files::FileSystem& fs, const std::string& root, int keep, Unfinished unfinished,
                                                v1::CheckpointSpec::BestBy best_by = v1::CheckpointSpec::VAL_ACC1);

}  // namespace deit::checkpoint
