// Kills of one worker or of all between any two file operations of a save, and what another world then resumes from.
#include <gtest/gtest.h>

#include "tests/support/rank_harness.h"
#include "tests/worker/train/saved_job.h"

namespace deit::checkpoint {
namespace {

using collective::Communicator;
using testing::Crash;
using testing::CrashDisk;
using testing::CrashFileSystem;
using train::Digests;
using train::DigestsOf;
using train::OnWorkers;
using train::SavingWorker;
using train::SmallSpec;
using train::TinyJob;
using train::Uninterrupted;

constexpr int kWorkers = 2;
constexpr int kAll = -1;

struct Kill {
  int victim;  // or kAll
  Crash power;
};

struct Killed {
  bool survived = false;  // the save ended before its n-th operation
  bool reported = false;  // the save was said to be done
};

// Two workers save step 1; then the victim is killed at the n-th operation of saving step 2.
Killed SaveAndDie(CrashDisk& disk, int victim, int64_t n) {
  CrashFileSystem own[kWorkers] = {CrashFileSystem(&disk), CrashFileSystem(&disk)};
  CrashFileSystem& dying = own[victim == kAll ? 0 : victim];
  Killed killed;
  testing::RunOnThreads(kWorkers, [&](Communicator& world) {
    // One process' view for all: a kill of it is a kill of all.
    SavingWorker saving(world, victim == kAll ? dying : own[world.rank()], SmallSpec(), TinyJob());
    saving.Start();
    saving.Steps(1);
    ASSERT_TRUE(saving.Save().ok());
    saving.Steps(1);
    if (world.rank() == 0) dying.KillAtOperation(n);
    ASSERT_TRUE(saving.worker().training_state().worker_group().Agree(absl::OkStatus(), "the kill").ok());
    const bool saved = saving.Save().ok();
    if (world.rank() == 0) killed.reported = saved;
  });
  killed.survived = !dying.killed();
  return killed;
}

class CheckpointerCrashTest : public ::testing::TestWithParam<Kill> {};

TEST_P(CheckpointerCrashTest, AKillBetweenAnyTwoFileOperationsCostsAtMostTheNewestSet) {
  const std::vector<Digests> uninterrupted = Uninterrupted(2, SmallSpec(), TinyJob());
  Killed killed;
  for (int64_t n = 0; !killed.survived; ++n) {
    ASSERT_LT(n, 1000);
    CrashDisk disk;
    killed = SaveAndDie(disk, GetParam().victim, n);
    EXPECT_TRUE(killed.reported || !killed.survived);
    disk.Fail(GetParam().power);
    OnWorkers(3, disk, SmallSpec(), TinyJob(), [&](SavingWorker& saving, Communicator& world, CrashFileSystem&) {
      const uint64_t start = saving.Start();
      ASSERT_TRUE(start == 2 || (start == 1 && !killed.reported)) << "killed at " << n << ": resumes at " << start;
      EXPECT_TRUE(DigestsOf(saving) == uninterrupted[start]) << n;
      saving.Steps(2 - start);
      const auto saved = saving.Save();  // over what the dead attempt left of the same step
      ASSERT_TRUE(saved.ok()) << n << " " << saved.status();
      const auto again = saving.checkpointer().Restore();
      ASSERT_TRUE(again.ok() && *again) << n << " " << again.status();
      EXPECT_EQ((*again)->progress.step, 2u) << n << ", worker " << world.rank();
      EXPECT_TRUE(DigestsOf(saving) == uninterrupted[2]) << n;
    });
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Kills, CheckpointerCrashTest,
                         ::testing::Values(Kill{kAll, Crash::kForgetAll}, Kill{kAll, Crash::kKeepNames}, Kill{0, Crash::kForgetAll},
                                           Kill{1, Crash::kForgetAll}));

}  // namespace
}  // namespace deit::checkpoint
