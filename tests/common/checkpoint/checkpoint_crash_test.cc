// Kills between any two file operations, of one worker or of all, with and without loss of what was not synced.
#include <gtest/gtest.h>

#include "common/checkpoint/retention.h"
#include "tests/common/checkpoint/sample_checkpoint.h"
#include "tests/support/crash_file_system.h"

namespace deit::checkpoint {
namespace {

using testing::Crash;
using testing::CrashDisk;
using testing::CrashFileSystem;

enum class Power { kStays, kFailsForgetAll, kFailsKeepNames };
constexpr Power kPowers[] = {Power::kStays, Power::kFailsForgetAll, Power::kFailsKeepNames};

void Fail(CrashDisk* disk, Power power) {
  if (power == Power::kFailsForgetAll) disk->Fail(Crash::kForgetAll);
  if (power == Power::kFailsKeepNames) disk->Fail(Crash::kKeepNames);
}

// After a crash during the save of step 20: step 10 still loads, step 20 loads if the save was reported as done, and another
// number of workers saves step 20 over the leftovers.
void CheckAfterCrash(CrashDisk* disk, bool reported_saved, const std::string& when) {
  CrashFileSystem fs(disk);
  ASSERT_TRUE(CheckSample(fs, 10).ok()) << when << CheckSample(fs, 10);
  const int64_t newest = NewestGood(fs);
  ASSERT_TRUE(newest == 20 || (newest == 10 && !reported_saved)) << when << newest;
  auto sets = ListCheckpoints(fs, "/run/checkpoints");
  ASSERT_TRUE(sets.ok()) << when << sets.status();
  for (const CheckpointEntry& set : *sets) EXPECT_NE(set.state, CheckpointState::kDamaged) << when << set.reason;
  ASSERT_TRUE(SaveSample(fs, 2, 20, "second").ok()) << when << SaveSample(fs, 2, 20, "second");
  ASSERT_TRUE(CheckSample(fs, 20).ok()) << when << CheckSample(fs, 20);
  EXPECT_EQ(disk->Snapshot().count("/run/checkpoints/step_00000020/model_02.safetensors"), newest == 20 ? 1u : 0u) << when;
}

TEST(CheckpointCrashTest, KillingOneWorkerBetweenAnyTwoOperationsNeverCostsTheOlderSet) {
  for (Power power : kPowers) {
    for (int victim = 0; victim < 3; ++victim) {
      bool survived = false;
      for (int n = 0; !survived; ++n) {
        CrashDisk disk;
        CrashFileSystem before(&disk);
        ASSERT_TRUE(SaveSample(before, 3, 10, "first").ok());
        CrashFileSystem workers[3] = {CrashFileSystem(&disk), CrashFileSystem(&disk), CrashFileSystem(&disk)};
        workers[victim].KillAtOperation(n);
        const Status saved = SaveSample({&workers[0], &workers[1], &workers[2]}, 20, "first");
        survived = !workers[victim].killed();
        EXPECT_TRUE(saved.ok() || !survived) << saved;
        Fail(&disk, power);
        CheckAfterCrash(&disk, saved.ok(),
                        absl::StrCat("worker ", victim, " killed before operation ", n, ", power ", static_cast<int>(power), ": "));
        if (::testing::Test::HasFatalFailure()) return;
        ASSERT_LT(n, 1000);
      }
    }
  }
}

TEST(CheckpointCrashTest, KillingAllWorkersAtOnceBetweenAnyTwoOperationsNeverCostsTheOlderSet) {
  for (Power power : kPowers) {
    bool survived = false;
    for (int n = 0; !survived; ++n) {
      CrashDisk disk;
      CrashFileSystem all(&disk);  // one process' operations are everybody's: a kill of it is a kill of all
      ASSERT_TRUE(SaveSample(all, 3, 10, "first").ok());
      all.KillAtOperation(n);
      const Status saved = SaveSample(all, 3, 20, "first");
      survived = !all.killed();
      Fail(&disk, power);
      CheckAfterCrash(&disk, saved.ok(), absl::StrCat("all killed before operation ", n, ", power ", static_cast<int>(power), ": "));
      if (::testing::Test::HasFatalFailure()) return;
      ASSERT_LT(n, 1000);
    }
  }
}

TEST(CheckpointCrashTest, AKillWhileSavingOverLeftoversOfAnotherWorldIsSafeToo) {
  for (Power power : kPowers) {
    bool survived = false;
    for (int n = 0; !survived; ++n) {
      CrashDisk disk;
      CrashFileSystem before(&disk);
      ASSERT_TRUE(SaveSample(before, 2, 10, "first").ok());
      CrashFileSystem dead(&disk);
      dead.KillAtOperation(60);  // leaves some files of five writers
      ASSERT_FALSE(SaveSample(dead, 5, 20, "dead").ok());
      CrashFileSystem all(&disk);
      all.KillAtOperation(n);
      const Status saved = SaveSample(all, 3, 20, "third");
      survived = !all.killed();
      Fail(&disk, power);
      CheckAfterCrash(&disk, saved.ok(), absl::StrCat("killed before operation ", n, ", power ", static_cast<int>(power), ": "));
      if (::testing::Test::HasFatalFailure()) return;
      ASSERT_LT(n, 1000);
    }
  }
}

TEST(CheckpointCrashTest, AKillWhilePruningLeavesNoHalfSetThatLooksComplete) {
  for (Power power : kPowers) {
    bool survived = false;
    for (int n = 0; !survived; ++n) {
      CrashDisk disk;
      CrashFileSystem before(&disk);
      for (int64_t step : {10, 20, 30}) ASSERT_TRUE(SaveSample(before, 2, step, "first").ok());
      CrashFileSystem process(&disk);
      process.KillAtOperation(n);
      const bool pruned = PruneCheckpoints(process, "/run/checkpoints", 1, Unfinished::kMayBeWritten).ok();
      survived = !process.killed();
      Fail(&disk, power);
      CrashFileSystem after(&disk);
      EXPECT_EQ(NewestGood(after), 30);
      const auto sets = ListCheckpoints(after, "/run/checkpoints");
      ASSERT_TRUE(sets.ok()) << sets.status();
      for (const CheckpointEntry& set : *sets) {
        EXPECT_NE(set.state, CheckpointState::kDamaged) << n << set.reason;
        EXPECT_TRUE(set.state != CheckpointState::kComplete || CheckSample(after, set.step).ok()) << n;
        EXPECT_TRUE(!pruned || set.step == 30) << n;
      }
    }
  }
}

TEST(CheckpointCrashTest, AKillWhileTheAccuracyIsRecordedLeavesTheSetGood) {
  for (Power power : kPowers) {
    bool survived = false;
    for (int n = 0; !survived; ++n) {
      CrashDisk disk;
      CrashFileSystem process(&disk);
      ASSERT_TRUE(SaveSample(process, 2, 10, "first").ok());
      process.KillAtOperation(n);
      const bool recorded = RecordAccuracy(process, "/run/checkpoints", 10, 50).ok();
      survived = !process.killed();
      Fail(&disk, power);
      CrashFileSystem after(&disk);
      ASSERT_TRUE(CheckSample(after, 10).ok()) << n << CheckSample(after, 10);
      const auto manifest = VerifyCheckpoint(after, "/run/checkpoints/step_00000010");
      EXPECT_TRUE(manifest->has_val_acc1() || !recorded) << n;
      ASSERT_LT(n, 100);
    }
  }
}

TEST(CheckpointCrashTest, AnyFailedOperationIsReportedAndTheNextSaveWorks) {
  for (int n = 0, reached = 1; reached; ++n) {
    CrashDisk disk;
    CrashFileSystem fs(&disk);
    ASSERT_TRUE(SaveSample(fs, 2, 10, "first").ok());
    const int64_t start = fs.operations();
    fs.FailAtOperation(n, absl::ResourceExhaustedError("injected: no space left on device"));
    const Status saved = SaveSample(fs, 2, 20, "first");
    reached = fs.operations() - start > n;
    if (reached == 0) break;
    EXPECT_TRUE(!saved.ok() || CheckSample(fs, 20).ok()) << n;
    EXPECT_TRUE(CheckSample(fs, 10).ok()) << n;
    ASSERT_TRUE(SaveSample(fs, 2, 30, "first").ok()) << n;
    EXPECT_EQ(NewestGood(fs), 30) << n;
  }
}

TEST(CheckpointCrashTest, AFullDiskCostsOnlyTheSaveThatMetIt) {
  CrashDisk disk;
  CrashFileSystem fs(&disk);
  ASSERT_TRUE(SaveSample(fs, 3, 10, "first").ok());
  const uint64_t one_set = disk.BytesUsed();
  for (uint64_t room = 0; room < one_set; room += 97) {
    disk.SetCapacity(one_set + room);
    const Status saved = SaveSample(fs, 3, 20, "first");
    if (saved.ok()) break;
    EXPECT_EQ(saved.code(), absl::StatusCode::kResourceExhausted) << saved;
    EXPECT_EQ(NewestGood(fs), 10) << room;
    disk.SetCapacity(0);
    ASSERT_TRUE(SaveSample(fs, 3, 21, "first").ok());
    EXPECT_EQ(NewestGood(fs), 21);
    ASSERT_TRUE(RemoveCheckpoint(fs, "/run/checkpoints", 21).ok());
    ASSERT_EQ(disk.BytesUsed(), one_set) << "a failed save leaves nothing behind";
  }
}

}  // namespace
}  // namespace deit::checkpoint
