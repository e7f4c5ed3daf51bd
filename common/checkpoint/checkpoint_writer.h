// Writes a checkpoint so that it is complete and durable, or does not exist. No step needs a collective; the order is
//   1. worker 0: PrepareCheckpoint               while no worker of any attempt writes a checkpoint
//   2. (a barrier, or any message from worker 0 that carries its result)
//   3. every worker, 0 included: WriteShard
//   4. worker 0: CommitCheckpoint                waits for the sidecars of its own attempt
// Steps 3 and 4 may run in a background thread. A crash anywhere leaves the older checkpoints as they were and this one either
// complete or without a manifest. Failures of WriteShard and CommitCheckpoint carry exit code 74 (not saved).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/base/clock.h"
#include "common/checkpoint/checkpoint_layout.h"
#include "common/checkpoint/safetensors.h"
#include "common/files/file_system.h"
#include "proto/manifest.pb.h"

namespace deit::checkpoint {

// One save by one attempt, as one worker sees it.
struct Save {
  std::string root;   // the checkpoints folder
  int64_t step = 0;   // updates 0 .. step-1 are in the weights
  std::string nonce;  // of the attempt, equal on all workers: letters, digits, '-' and '_'
  int worker = 0;     // this one
  int workers = 1;
};

enum class Prepared {
  kReady,         // an empty folder exists, durable
  kSavedAlready,  // a complete, verified checkpoint of this step exists and is kept: skip steps 2 to 4
};

// Makes the root and the step's empty folder. Removes what dead attempts left: every step's folder without a manifest. A complete
// checkpoint of this very step is verified: a good one is kept, a bad one set aside.
StatusOr<Prepared> PrepareCheckpoint(files::FileSystem& fs, const std::string& root, int64_t step);

// The tensors of one file: whole ones for kModel, fragments (FragmentName, one dimension) for the others.
struct ShardFile {
  TensorKind kind = TensorKind::kModel;
  std::vector<TensorData> tensors;
};

// Writes this worker's files (at most one per kind; none is fine) and its sidecar. `ledger` is what this worker adds: its own
// lanes' views since the attempt began, and for worker 0 also the ledger of the checkpoint that the attempt resumed from.
// On failure the worker's files are removed and CommitCheckpoint is told by a marker, so that it need not wait for its deadline.
Status WriteShard(files::FileSystem& fs, const Save& save, absl::Span<const ShardFile> part, absl::Span<const v1::LedgerEntry> ledger);

// Waits at most `timeout` for all sidecars, then writes the manifest and returns it; OK means that the checkpoint is durable. `about`
// holds everything that workers know alike (epoch, job_id, digests, ...); step, nonce, workers, format_version, created,
// ledger, files and digest are filled in here. A passed deadline is DeadlineExceeded and names the workers that are missing; a
// worker that gave up is named with its cause, and the folder is removed once every worker has ended.
StatusOr<v1::CheckpointManifest> CommitCheckpoint(files::FileSystem& fs, Clock& clock, const Save& save, v1::CheckpointManifest about,
                                                  absl::Duration timeout);

// Adds to a complete checkpoint what is known only after it was saved. A crash leaves the manifest as it was or with the accuracy. NotFound: no
// such checkpoint.
Status RecordAccuracy(files::FileSystem& fs, const std::string& root, int64_t step, double val_acc1,
                      std::optional<double> val_acc1_ema = std::nullopt);

}  // namespace deit::checkpoint
