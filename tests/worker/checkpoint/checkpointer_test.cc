#include "worker/checkpoint/checkpointer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/json/sealed_json.h"
#include "tests/support/rank_harness.h"
#include "tests/worker/train/saved_job.h"

namespace deit::checkpoint {
namespace {

using collective::Communicator;
using testing::CrashDisk;
using testing::CrashFileSystem;
using train::Digests;
using train::DigestsOf;
using train::Fault;
using train::kRoot;
using train::OnWorkers;
using train::SavingWorker;
using train::SmallSpec;
using train::TinyJob;
using train::Train;
using train::Uninterrupted;
using train::WorkerOptions;

constexpr int kWorlds[] = {1, 2, 3, 5, 8};

plan::Ledger LedgerAfter(uint64_t steps, const v1::JobSpec& spec, const WorkerOptions& options) {
  return Train(1, steps, spec, options).ledger;
}

void ExpectRoundTrips(const v1::JobSpec& spec, const WorkerOptions& options, std::span<const int> savers, std::span<const int> loaders) {
  const std::vector<Digests> uninterrupted = Uninterrupted(5, spec, options);
  const plan::Ledger ledger_of_3 = LedgerAfter(3, spec, options), ledger_of_5 = LedgerAfter(5, spec, options);
  for (int saver : savers) {
    CrashDisk disk;
    OnWorkers(saver, disk, spec, options, [&](SavingWorker& saving, Communicator&, CrashFileSystem&) {
      EXPECT_EQ(saving.Start(), 0u);
      saving.Steps(3);
      const auto saved = saving.Save();
      ASSERT_TRUE(saved.ok()) << saved.status();
      EXPECT_EQ(*saved, DigestHex(uninterrupted[3].weights));
    });
    for (int loader : loaders) {
      std::mutex mutex;
      plan::Ledger ledger;
      OnWorkers(loader, disk, spec, options, [&](SavingWorker& saving, Communicator& world, CrashFileSystem&) {
        EXPECT_EQ(saving.Start(), 3u) << saver << " -> " << loader;
        EXPECT_EQ(saving.restored()->progress.updates, 3);
        EXPECT_EQ(saving.restored()->progress.ledger, ledger_of_3);
        EXPECT_TRUE(DigestsOf(saving) == uninterrupted[3]) << saver << " -> " << loader << ", worker " << world.rank();
        saving.Steps(2);
        EXPECT_TRUE(DigestsOf(saving) == uninterrupted[5]) << saver << " -> " << loader << ", worker " << world.rank();
        const std::lock_guard lock(mutex);
        ledger.Merge(saving.ledger());
      });
      EXPECT_EQ(ledger, ledger_of_5) << saver << " -> " << loader;
    }
  }
}

TEST(CheckpointerTest, WhatAnyWorldSavesAnyOtherResumes) { ExpectRoundTrips(SmallSpec(), TinyJob(), kWorlds, kWorlds); }

TEST(CheckpointerTest, TensorsOfSeveralBlocksInBFloat16Too) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_train()->set_precision(v1::BF16);
  const int savers[] = {3, 1}, loaders[] = {2, 5};
  ExpectRoundTrips(spec, {}, savers, loaders);
}

TEST(CheckpointerTest, WithoutEmaThereIsNoneToSave) {
  v1::JobSpec spec = SmallSpec();
  spec.clear_ema();
  const int savers[] = {2}, loaders[] = {3};
  ExpectRoundTrips(spec, TinyJob(), savers, loaders);
}

TEST(CheckpointerTest, AnEmaThatBeginsOnASetBeginsAsItsStatistics) {
  CrashDisk disk;
  v1::JobSpec spec = SmallSpec();
  spec.mutable_ema()->clear_decay();
  OnWorkers(1, disk, spec, {}, [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.Start();
    saving.Steps(3);
    ASSERT_TRUE(saving.Save().ok());
  });
  OnWorkers(2, disk, SmallSpec(), {}, [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    ASSERT_EQ(saving.Start(), 3u);
    state::BufferState& buffers = *saving.worker().training_state().state().buffers;
    const std::vector<float> values(buffers.values(), buffers.values() + buffers.size());
    ASSERT_GT(buffers.size(), 0);
    EXPECT_EQ(std::vector<float>(buffers.ema(), buffers.ema() + buffers.size()), values);
    EXPECT_TRUE(std::any_of(values.begin(), values.end(), [](float value) { return value != 0 && value != 1; }));
  });
}

TEST(CheckpointerTest, OtherOptimizersKeepTheirState) {
  for (const char* opt : {"lamb", "sgd"}) {
    v1::JobSpec spec = SmallSpec();
    spec.mutable_optimizer()->set_opt(opt);
    const int savers[] = {3, 1}, loaders[] = {2};
    ExpectRoundTrips(spec, TinyJob(), savers, loaders);
  }
}

TEST(CheckpointerTest, AnotherOptimizersSetIsRefusedAndStays) {
  CrashDisk disk;
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.Start();
    saving.Steps(1);
    ASSERT_TRUE(saving.Save().ok());
  });
  v1::JobSpec spec = SmallSpec();
  spec.mutable_optimizer()->set_opt("sgd");
  OnWorkers(2, disk, spec, TinyJob(), [](SavingWorker& saving, Communicator& world, CrashFileSystem& fs) {
    const Status refused = saving.checkpointer().Restore().status();
    EXPECT_EQ(ExitCodeOf(refused), ExitCode::kRunFolder);
    EXPECT_EQ(std::string(refused.message()), absl::StrCat("/run/checkpoints/step_00000001: ", world.rank() == 0 ? "" : "worker 0: ",
                                                           "is of another optimizer: has no momentum_buffer"));
    EXPECT_EQ(checkpoint::ListCheckpoints(fs, kRoot)->size(), 1u);
  });
}

TEST(CheckpointerTest, ASkippedStepsCountSurvives) {
  WorkerOptions options = TinyJob();
  options.engine.fault = Fault::kLoss;
  options.engine.fault_step = 1;
  CrashDisk disk;
  OnWorkers(2, disk, SmallSpec(), options, [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.Start();
    saving.Steps(3);
    ASSERT_TRUE(saving.Save().ok());
  });
  OnWorkers(1, disk, SmallSpec(), options, [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    EXPECT_EQ(saving.Start(), 3u);
    EXPECT_EQ(saving.restored()->progress.updates, 2);
  });
}

TEST(CheckpointerTest, KeepsWhatTheManifestSays) {
  CrashDisk disk;
  OnWorkers(3, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator& world, CrashFileSystem& fs) {
    EXPECT_EQ(saving.Start(), 0u);
    EXPECT_FALSE(saving.restored());
    for (int save = 0; save < 4; ++save) {
      saving.Steps(1);
      ASSERT_TRUE(saving.Save().ok());
    }
    EXPECT_EQ(saving.Save().value(), DigestHex(saving.worker().weights())) << "the same step again";
    if (world.rank() == 0) {
      const auto sets = checkpoint::ListCheckpoints(fs, kRoot);
      ASSERT_TRUE(sets.ok()) << sets.status();
      ASSERT_EQ(sets->size(), 2u) << "two are kept";
      EXPECT_EQ(sets->front().step, 3);
      EXPECT_EQ(sets->back().step, 4);
      EXPECT_EQ(sets->back().manifest->job_id(), "0123abcd");
      EXPECT_EQ(sets->back().manifest->workers(), 3);
    }
    saving.checkpointer().RecordAccuracy(4, 12.5, 13.5);
    const auto restored = saving.checkpointer().Restore();
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_EQ((*restored)->progress.val_acc1, 12.5);
    EXPECT_EQ((*restored)->progress.val_acc1_ema, 13.5);
    EXPECT_EQ((*restored)->progress.train_seconds, 3.25);
    EXPECT_EQ((*restored)->progress.views_replaced, 17);
    EXPECT_EQ((*restored)->spec_digest, "00000000000000aa");
    EXPECT_EQ((*restored)->numerics_fingerprint, "00000000000000bb");
  });
}

TEST(CheckpointerTest, AnAccuracyThatIsKnownLaterDecidesWhichSetsStay) {
  CrashDisk disk;
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator& world, CrashFileSystem& fs) {
    saving.Start();
    for (const double accuracy : {20.0, 30.0, 10.0, 40.0}) {
      saving.Steps(1);
      ASSERT_TRUE(saving.Save().ok());
      saving.checkpointer().RecordAccuracy(saving.worker().step(), accuracy);
      if (world.rank() != 0) continue;
      const auto sets = checkpoint::ListCheckpoints(fs, kRoot);
      ASSERT_TRUE(sets.ok()) << sets.status();
      std::vector<int64_t> steps;
      for (const auto& set : *sets) steps.push_back(set.step);
      const int64_t step = static_cast<int64_t>(saving.worker().step());
      EXPECT_EQ(steps, step == 1 ? std::vector<int64_t>{1} : std::vector<int64_t>({step - 1, step}))
          << "two are kept; the best is one of them";
    }
    saving.checkpointer().RecordAccuracy(99, 50);  // was never saved
    if (world.rank() != 0) return;
    const auto sets = checkpoint::ListCheckpoints(fs, kRoot);
    ASSERT_TRUE(sets.ok()) << sets.status();
    EXPECT_EQ(sets->size(), 2u);
  });
}

// Sets of steps 2 and 4, saved by two workers.
void SaveTwoCheckpoints(CrashDisk& disk) {
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.Start();
    for (int save = 0; save < 2; ++save) {
      saving.Steps(2);
      ASSERT_TRUE(saving.Save().ok());
    }
  });
}

std::vector<std::string> FilesOf(CrashDisk& disk, const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& [path, content] : disk.Snapshot()) {
    if (path.starts_with(folder) && !path.ends_with("/")) files.push_back(path);
  }
  return files;
}

TEST(CheckpointerTest, ASetWithAnyDamagedFileIsSetAsideAndTheOlderOneUsed) {
  const std::vector<Digests> uninterrupted = Uninterrupted(4, SmallSpec(), TinyJob());
  const std::string newest = checkpoint::CheckpointPath(kRoot, 4);
  CrashDisk sample;
  SaveTwoCheckpoints(sample);
  const size_t files = FilesOf(sample, newest).size();
  ASSERT_EQ(files, 9u) << "four kinds of each of two workers, and the manifest";
  const std::function<void(std::string*)> damages[] = {
      [](std::string* bytes) { (*bytes)[bytes->size() / 2] ^= 1; },
      [](std::string* bytes) { bytes->back() ^= 64; },
      [](std::string* bytes) { bytes->resize(bytes->size() / 3); },
      [](std::string* bytes) { bytes->clear(); },
  };
  for (size_t file = 0; file < files; ++file) {
    for (const auto& damage : damages) {
      CrashDisk disk;
      SaveTwoCheckpoints(disk);
      const std::string path = FilesOf(disk, newest)[file];
      ASSERT_TRUE(disk.Overwrite(path, damage).ok());
      ::testing::internal::CaptureStderr();
      OnWorkers(3, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator&, CrashFileSystem&) {
        EXPECT_EQ(saving.Start(), 2u) << path;
        EXPECT_TRUE(DigestsOf(saving) == uninterrupted[2]) << path;
        saving.Steps(2);
        EXPECT_TRUE(DigestsOf(saving) == uninterrupted[4]) << path;
        EXPECT_TRUE(saving.Save().ok());
      });
      const std::string said = ::testing::internal::GetCapturedStderr();
      EXPECT_NE(said.find("checkpoint of step 4 is not used: "), std::string::npos) << path << said;
      EXPECT_FALSE(FilesOf(disk, absl::StrCat(kRoot, "/bad_step_00000004/reason.txt")).empty()) << path;
      EXPECT_FALSE(FilesOf(disk, absl::StrCat(newest, "/manifest.json")).empty()) << "saved again";
    }
  }
}

TEST(CheckpointerTest, AMissingFileIsDamageAndAMissingManifestAnUnfinishedSet) {
  const std::string newest = checkpoint::CheckpointPath(kRoot, 4);
  for (const char* missing : {"/model_01.safetensors", "/ema_00.safetensors", "/manifest.json"}) {
    CrashDisk disk;
    SaveTwoCheckpoints(disk);
    CrashFileSystem fs(&disk);
    ASSERT_TRUE(fs.Remove(newest + missing).ok());
    OnWorkers(2, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator&, CrashFileSystem&) {
      EXPECT_EQ(saving.Start(), 2u) << missing;
      saving.Steps(2);
      EXPECT_TRUE(saving.Save().ok()) << missing;
    });
  }
}

TEST(CheckpointerTest, ASetThatOneWorkerDoesNotSeeIsNoBadSet) {
  CrashDisk disk, elsewhere;
  OnWorkers(1, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.Start();
    saving.Steps(2);
    ASSERT_TRUE(saving.Save().ok());
  });
  testing::RunOnThreads(3, [&](Communicator& world) {
    CrashFileSystem fs(world.rank() == 2 ? &elsewhere : &disk);
    SavingWorker saving(world, fs, SmallSpec(), TinyJob());
    const Status status = saving.checkpointer().Restore().status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput) << status;
    EXPECT_NE(status.message().find("not seen on host localhost, but by worker 0"), absl::string_view::npos) << status;
    EXPECT_TRUE(saving.checkpointer().rejected().empty());
  });
  OnWorkers(2, disk, SmallSpec(), TinyJob(),
            [](SavingWorker& saving, Communicator&, CrashFileSystem&) { EXPECT_EQ(saving.Start(), 2u) << "it is still there"; });
}

TEST(CheckpointerTest, AnEmaThatBeginsOnASetBeginsAtItsRunningStatistics) {
  CrashDisk disk;
  v1::JobSpec spec = SmallSpec();
  spec.clear_ema();
  OnWorkers(1, disk, spec, TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.Start();
    saving.Steps(3);
    ASSERT_TRUE(saving.Save().ok());
  });
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    EXPECT_EQ(saving.Start(), 3u);
    state::BufferState& buffers = *saving.worker().training_state().state().buffers;
    ASSERT_NE(buffers.ema(), nullptr);
    EXPECT_NE(buffers.values()[0], 0) << "no mean of three steps is zero";
    for (int64_t i = 0; i < buffers.size(); ++i) EXPECT_EQ(buffers.ema()[i], buffers.values()[i]) << i;
  });
}

TEST(CheckpointerTest, ASetOfThisStepWithOtherWeightsIsNotTakenForThis) {
  CrashDisk disk;
  v1::JobSpec other = SmallSpec();
  other.mutable_train()->set_seed(77);
  OnWorkers(1, disk, other, TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.Start();
    saving.Steps(1);
    ASSERT_TRUE(saving.Save().ok());
  });
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    saving.worker().Initialise();
    saving.Steps(1);
    const auto saved = saving.Save();
    EXPECT_EQ(ExitCodeOf(saved.status()), ExitCode::kNotSaved);
    EXPECT_NE(saved.status().message().find("a checkpoint with other weights is there"), absl::string_view::npos) << saved.status();
  });
}

TEST(CheckpointerTest, NoGoodSetIsABeginning) {
  CrashDisk disk;
  SaveTwoCheckpoints(disk);
  for (int64_t step : {2, 4})
    ASSERT_TRUE(
        disk.Overwrite(checkpoint::CheckpointPath(kRoot, step) + "/model_00.safetensors", [](std::string* b) { b->back() ^= 1; }).ok());
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [](SavingWorker& saving, Communicator&, CrashFileSystem&) { EXPECT_EQ(saving.Start(), 0u); });
}

// A sound set whose tensors are not what its manifest says, as a bug of ours in saving would leave it.
void LieAboutWeights(CrashDisk& disk, int64_t step) {
  const std::string path = checkpoint::CheckpointPath(kRoot, step) + "/manifest.json";
  ASSERT_TRUE(disk.Overwrite(path,
                             [](std::string* bytes) {
                               v1::CheckpointManifest manifest;
                               ASSERT_TRUE(json::UnsealJson(*bytes, &manifest).ok());
                               manifest.set_weights_digest("0123456789abcdef");
                               manifest.clear_digest();
                               *bytes = json::SealJson(manifest);
                             })
                  .ok());
}

TEST(CheckpointerTest, ASetThatVerifiesButLoadsOtherWeightsIsSetAsideToo) {
  const std::vector<Digests> uninterrupted = Uninterrupted(4, SmallSpec(), TinyJob());
  CrashDisk disk;
  SaveTwoCheckpoints(disk);
  LieAboutWeights(disk, 4);
  OnWorkers(3, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator& world, CrashFileSystem&) {
    EXPECT_EQ(saving.Start(), 2u);
    EXPECT_TRUE(DigestsOf(saving) == uninterrupted[2]) << "worker " << world.rank();
    EXPECT_EQ(saving.checkpointer().rejected().size(), world.rank() == 0 ? 1u : 0u);
    saving.Steps(2);
    EXPECT_TRUE(DigestsOf(saving) == uninterrupted[4]) << "worker " << world.rank();
  });
}

TEST(CheckpointerTest, NothingOfARejectedSetStaysInANewBeginning) {
  const std::vector<Digests> uninterrupted = Uninterrupted(1, SmallSpec(), TinyJob());
  CrashDisk disk;
  SaveTwoCheckpoints(disk);
  LieAboutWeights(disk, 2);
  LieAboutWeights(disk, 4);
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator& world, CrashFileSystem&) {
    EXPECT_EQ(saving.Start(), 0u);
    EXPECT_TRUE(DigestsOf(saving) == uninterrupted[0]) << "worker " << world.rank();
    saving.Steps(1);
    EXPECT_TRUE(DigestsOf(saving) == uninterrupted[1]) << "worker " << world.rank();
  });
}

TEST(CheckpointerTest, AFullDiskCostsOneSaveAndTrainingGoesOn) {
  const std::vector<Digests> uninterrupted = Uninterrupted(4, SmallSpec(), TinyJob());
  CrashDisk disk;
  OnWorkers(3, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator& world, CrashFileSystem&) {
    saving.Start();
    saving.Steps(2);
    ASSERT_TRUE(saving.Save().ok());
    saving.Steps(1);
    if (world.rank() == 0) disk.SetCapacity(disk.BytesUsed() + 5000);  // less than one set
    const auto failed = saving.Save();
    EXPECT_EQ(ExitCodeOf(failed.status()), ExitCode::kNotSaved) << failed.status();
    EXPECT_NE(failed.status().message().find("checkpoint of step 3"), absl::string_view::npos) << failed.status();
    if (world.rank() == 0) disk.SetCapacity(0);
    saving.Steps(1);
    EXPECT_TRUE(DigestsOf(saving) == uninterrupted[4]);
    const auto saved = saving.Save();
    EXPECT_TRUE(saved.ok()) << saved.status();
  });
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator&, CrashFileSystem&) {
    EXPECT_EQ(saving.Start(), 4u);
    EXPECT_TRUE(DigestsOf(saving) == uninterrupted[4]);
  });
}

// A peer that hangs is not a failed save: training must not go on without it.
TEST(CheckpointerTest, ALostPeerIsSaidAsOne) {
  CrashDisk disk;
  std::atomic<bool> over = false;
  OnWorkers(2, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator& world, CrashFileSystem&) {
    saving.Start();
    saving.Steps(1);
    if (world.rank() == 1) {
      while (!over) absl::SleepFor(absl::Milliseconds(1));
      return;
    }
    saving.worker().training_state().worker_group().context().deadline.limit = absl::Milliseconds(150);
    const auto saved = saving.Save();
    EXPECT_EQ(ExitCodeOf(saved.status()), ExitCode::kPeerLost) << saved.status();
    EXPECT_NE(saved.status().message().find("worker 1"), absl::string_view::npos) << saved.status();
    over = true;
  });
}

}  // namespace
}  // namespace deit::checkpoint
