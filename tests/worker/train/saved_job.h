// Small jobs that save and restore, on one simulated disk.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/support/crash_file_system.h"
#include "tests/worker/train/small_job.h"
#include "worker/checkpoint/checkpointer.h"

namespace deit::train {

inline constexpr char kRoot[] = "/run/checkpoints";

// One worker with its checkpointer. `fs` is its view of the disk.
class SavingWorker {
 public:
  SavingWorker(collective::Communicator& world, files::FileSystem& fs, const v1::JobSpec& spec, const WorkerOptions& options,
               std::string nonce = "first");

  // From the newest good set, else from the seed. Returns where it starts.
  uint64_t Start();
  StatusOr<std::string> Save();  // after the steps done so far
  void Steps(uint64_t count) { worker_.Steps(count); }

  SmallWorker& worker() { return worker_; }
  checkpoint::Checkpointer& checkpointer() { return checkpointer_; }
  const std::optional<checkpoint::Restored>& restored() const { return restored_; }
  plan::Ledger ledger();  // of this worker; the first one's with what was restored

 private:
  const bool first_;
  SmallWorker worker_;
  checkpoint::Checkpointer checkpointer_;
  std::optional<checkpoint::Restored> restored_;
};

struct Digests {
  uint64_t weights = 0, state = 0;
  bool operator==(const Digests&) const = default;
};
inline Digests DigestsOf(SavingWorker& saving) { return {saving.worker().weights(), saving.worker().state()}; }

// Runs `body` on that many workers, each with its own view of `disk`.
void OnWorkers(int workers, testing::CrashDisk& disk, const v1::JobSpec& spec, const WorkerOptions& options,
               const std::function<void(SavingWorker&, collective::Communicator&, testing::CrashFileSystem&)>& body);

inline WorkerOptions TinyJob() {
  WorkerOptions options;
  options.engine.tensors = TinyTensors();
  return options;
}

// What a run without any interruption has after each number of steps up to `steps`.
std::vector<Digests> Uninterrupted(uint64_t steps, const v1::JobSpec& spec, const WorkerOptions& options);

}  // namespace deit::train
