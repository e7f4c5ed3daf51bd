#include "tests/worker/train/saved_job.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/support/rank_harness.h"

namespace deit::train {
namespace {

checkpoint::CheckpointerOptions OptionsFor(files::FileSystem& fs, std::string nonce) {
  checkpoint::CheckpointerOptions options;
  options.root = kRoot;
  options.nonce = std::move(nonce);
  options.keep = 2;
  options.job_id = "0123abcd";
  options.spec_digest = "00000000000000aa";
  options.numerics_fingerprint = "00000000000000bb";
  options.commit_limit = absl::Seconds(10);
  options.fs = &fs;
  return options;
}

}  // namespace

SavingWorker::SavingWorker(collective::Communicator& world, files::FileSystem& fs, const v1::JobSpec& spec, const WorkerOptions& options,
                           std::string nonce)
    : first_(world.rank() == 0), worker_(world, spec, options),
      checkpointer_(worker_.training_state().state(), OptionsFor(fs, std::move(nonce))) {}

uint64_t SavingWorker::Start() {
  auto restored = checkpointer_.Restore();
  EXPECT_TRUE(restored.ok()) << restored.status();
  if (restored.ok()) restored_ = *std::move(restored);
  if (!restored_) worker_.Initialise();
  else worker_.StartAt(restored_->progress.step, restored_->progress.updates);
  return worker_.step();
}

plan::Ledger SavingWorker::ledger() {
  plan::Ledger ledger = worker_.trainer().ledger();
  if (first_ && restored_) ledger.Merge(restored_->progress.ledger);
  return ledger;
}

StatusOr<std::string> SavingWorker::Save() {
  state::JobProgress progress;
  progress.step = worker_.step();
  progress.updates = worker_.trainer().updates_done();
  progress.ledger = ledger();
  progress.train_seconds = 3.25;
  progress.views_replaced = 17;
  return checkpointer_.Save(progress, worker_.sampler().EpochsAt(worker_.step()));
}

void OnWorkers(int workers, testing::CrashDisk& disk, const v1::JobSpec& spec, const WorkerOptions& options,
               const std::function<void(SavingWorker&, collective::Communicator&, testing::CrashFileSystem&)>& body) {
  testing::RunOnThreads(workers, [&](collective::Communicator& world) {
    testing::CrashFileSystem fs(&disk);
    SavingWorker saving(world, fs, spec, options, absl::StrCat("of", workers));
    body(saving, world, fs);
  });
}

std::vector<Digests> Uninterrupted(uint64_t steps, const v1::JobSpec& spec, const WorkerOptions& options) {
  std::vector<Digests> digests;
  testing::RunOnThreads(1, [&](collective::Communicator& world) {
    SmallWorker worker(world, spec, options);
    worker.Initialise();
    for (uint64_t step = 0; step <= steps; ++step) {
      digests.push_back({worker.weights(), worker.state()});
      if (step < steps) worker.Steps(1);
    }
  });
  return digests;
}

}  // namespace deit::train
