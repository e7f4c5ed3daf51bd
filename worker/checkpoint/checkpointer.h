// Saves a job as a checkpoint and restores it, with any number of workers on either side. The commit protocol is common/checkpoint's; this
// gives it tensors, and lets all workers see one outcome.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/checkpoint/checkpoint_writer.h"
#include "common/files/file_system.h"
#include "proto/spec.pb.h"
#include "worker/state/job_state.h"

namespace deit::checkpoint {

struct CheckpointerOptions {
  std::string root;                                       // the run folder's checkpoints/
  std::string nonce;                                      // of this attempt, equal on all workers
  int keep = 2;                                           // newest checkpoints kept, besides the best
  std::string job_id, spec_digest, numerics_fingerprint;  // for the manifest
  v1::CheckpointSpec::BestBy best_by = v1::CheckpointSpec::VAL_ACC1;
  absl::Duration commit_limit = absl::Seconds(60);
  std::function<Status()> check_current = [] { return absl::OkStatus(); };  // exit code 73: this attempt must not write here any more
  std::function<Status()> interrupted = [] { return absl::OkStatus(); };    // asked between files that Restore reads: an error ends it
  files::FileSystem* fs = &files::FileSystem::Posix();
  Clock* clock = &Clock::System();
};

// Where an attempt starts.
struct Restored {
  state::JobProgress progress;
  std::string spec_digest, numerics_fingerprint;  // of the job that saved the set
  double seconds = 0;                             // that loading took
};

// Collective over all workers: each method is called by all alike, and all get the same outcome. Not thread-safe.
class Checkpointer {
 public:
  // Each operation on a file is a piece of this worker's work.
  Checkpointer(const state::JobState& state, CheckpointerOptions options);

  // Saves the state after `progress.step` steps. progress.ledger: what THIS worker adds (worker 0: with what was restored). epoch: of the
  // stream, with fraction. On failure (exit code 74) nothing is lost and training may go on; the next save tries again; a lost peer (69)
  // and a run folder that is this attempt's no more (73) end the attempt. Returns the manifest's weights digest.
  StatusOr<std::string> Save(const state::JobProgress& progress, double epoch);

  // Notes the accuracy after `step` steps, and of the averaged weights, in that step's checkpoint, if there is one. Worker 0 does it; the
  // others return at once. A failure is logged and costs only the note.
  void RecordAccuracy(uint64_t step, double val_acc1, std::optional<double> val_acc1_ema = std::nullopt);

  // Loads the newest set of which every file verifies and whose tensors give the manifest's weights digest; the workers share the
  // verifying. Bad sets are set aside with a warning. Nothing if there is none: moments and running statistics are then as new.
  // Errors: a set that this user or version cannot read, that not all workers see (66), or of another model.
  StatusOr<std::optional<Restored>> Restore();

  // What Restore said of each set that it put aside. Worker 0 only.
  const std::vector<std::string>& rejected() const { return rejected_; }

 private:
  StatusOr<std::string> SaveAll(const state::JobProgress& progress, double epoch);
  Status WriteOwnShard(const checkpoint::Save& save, const state::JobProgress& progress);
  StatusOr<std::optional<uint64_t>> NewestStep();
  Status SeenHere(const Status& status) const;
  Status Verify(const std::string& set) const;
  StatusOr<Restored> Load(const std::string& set);
  void Prune();
  Status Reject(int64_t step, absl::string_view reason);
  bool first() const { return state_.worker_group->context().worker() == 0; }
  Status Agree(const Status& mine, absl::string_view what) const;

  state::JobState state_;
  CheckpointerOptions options_;  // .fs: counted_
  std::unique_ptr<files::FileSystem> counted_;
  std::vector<std::string> rejected_;
};

}  // namespace deit::checkpoint
