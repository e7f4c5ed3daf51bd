// Answers about what a run has saved. `dir`: a run folder, its checkpoints folder, or one checkpoint. All functions are thread-safe.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/files/file_system.h"
#include "proto/checkpoints.pb.h"

namespace deit::api {

// Lists; contents are not read. A folder without checkpoints has none; NotFound: no such folder.
StatusOr<v1::CheckpointList> ListCheckpoints(files::FileSystem& fs, const std::string& dir);

// Reads every byte once. Bad checkpoints are a result, not an error. NotFound: no checkpoint in `dir`.
StatusOr<v1::CheckpointVerification> VerifyCheckpoints(files::FileSystem& fs, const std::string& dir);

// Writes the newest complete checkpoint of `dir`, verified, as files that Python loads (checkpoint_export.h) into the folder `output`.
// NotFound: no complete checkpoint, or no averaged weights for `ema`.
StatusOr<v1::CheckpointExport> ExportCheckpoint(files::FileSystem& fs, const std::string& dir, const std::string& output, bool ema);

// Decides what may go while the newest `keep` (at least 1) and the best stay; every complete one that stays is verified first, and a
// bad one is an error. Deletes nothing. InvalidArgument: `dir` is one checkpoint.
StatusOr<v1::CheckpointPruning> PlanCheckpointPruning(files::FileSystem& fs, const std::string& dir, int keep);

// Deletes what was planned.
Status PruneCheckpoints(files::FileSystem& fs, const v1::CheckpointPruning& pruning);

}  // namespace deit::api
