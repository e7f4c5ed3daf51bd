#include "common/job/folder_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/exit_code.h"
#include "tests/support/job_records.h"

namespace deit::job {
namespace {

using files::LockState;
using process::Life;
using ::testing::HasSubstr;

constexpr double kNow = 1'790'000'100;
constexpr char kDigest[] = "00112233aabbccdd";

class FolderClaimTest : public ::testing::Test {
 protected:
  // An attempt that goes on under its guardian, whose owner has died.
  FolderLook Unsupervised() {
    FolderLook look;
    look.attempt = 2;
    look.spec_digest = kDigest;
    look.record = testing::RecordOf("7f3a0001", v1::JobState::RUNNING, testing::LivingProcess());
    look.record.set_updated(kNow - 1000);
    look.recorded = true;
    look.evidence.guardian = Life::kAlive;
    look.evidence.attempt_lock = LockState::kHeld;
    look.evidence.attempt_lock_here = true;
    return look;
  }
  FolderLook Ended() {
    FolderLook look = Unsupervised();
    look.evidence.guardian = Life::kDead;
    look.evidence.attempt_lock = LockState::kFree;
    return look;
  }
  StatusOr<ClaimDecision> Decide(const FolderLook& look, const FolderClaim& claim) { return DecideClaim(folder_, look, claim, kNow); }
  std::string Refusal(const FolderLook& look, const FolderClaim& claim) {
    const auto decision = Decide(look, claim);
    if (decision.ok()) return "not refused";
    EXPECT_EQ(ExitCodeOf(decision.status()), ExitCode::kRunFolder);
    EXPECT_TRUE(absl::IsFailedPrecondition(decision.status()));
    return std::string(decision.status().message());
  }

  run::RunFolder folder_{"/runs/deit-ti"};
  FolderClaim run_{.spec_digest = kDigest, .take_over = true};
  FolderClaim worker_{.spec_digest = kDigest};
};

TEST_F(FolderClaimTest, AFreshFolderIsFree) {
  const auto decision = Decide(FolderLook(), run_);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_FALSE(decision->inherited || decision->attempt_lives);
}

TEST_F(FolderClaimTest, ALivingAttemptOfTheSameJobIsInherited) {
  const auto decision = Decide(Unsupervised(), run_);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_TRUE(decision->attempt_lives);
  EXPECT_EQ(decision->inherited->attempt(), 2);
  EXPECT_THAT(Refusal(Unsupervised(), worker_), HasSubstr("attempt 2 is still training"));
}

TEST_F(FolderClaimTest, AnAttemptOfAnotherJobIsNot) {
  FolderClaim other = run_;
  other.spec_digest = "ffffffffffffffff";
  EXPECT_THAT(Refusal(Unsupervised(), other), HasSubstr("attempt 2 of another job is still training"));
  const auto ended = Decide(Ended(), other);
  ASSERT_TRUE(ended.ok());
  EXPECT_FALSE(ended->inherited) << "its end is none of the new job";
}

TEST_F(FolderClaimTest, NothingStartsFreshWhileAnAttemptTrains) {
  FolderClaim fresh = run_;
  fresh.fresh_start = true;
  EXPECT_THAT(Refusal(Unsupervised(), fresh), HasSubstr("--resume=never: attempt 2 is still training"));
  const auto ended = Decide(Ended(), fresh);
  ASSERT_TRUE(ended.ok());
  EXPECT_FALSE(ended->inherited);
}

TEST_F(FolderClaimTest, AnAttemptThatEndedUnseenIsInheritedToBeConcluded) {
  const auto decision = Decide(Ended(), run_);
  ASSERT_TRUE(decision.ok());
  EXPECT_FALSE(decision->attempt_lives);
  ASSERT_TRUE(decision->inherited);
  FolderLook recorded = Ended();
  recorded.ended = true;
  EXPECT_FALSE(Decide(recorded, run_)->inherited);
  FolderLook bare = Ended();
  bare.record.clear_guardian();
  EXPECT_FALSE(Decide(bare, run_)->inherited) << "of a bare mpirun";
}

TEST_F(FolderClaimTest, WhatCannotBeSignalledFromHereIsNotTakenOver) {
  FolderLook container = Unsupervised();
  container.evidence.guardian = Life::kHidden;
  EXPECT_THAT(Refusal(container, run_), HasSubstr("where it cannot be seen from here: in another container?"));
  FolderLook elsewhere = Unsupervised();
  elsewhere.evidence.guardian = Life::kUnknown;
  EXPECT_THAT(Refusal(elsewhere, run_), HasSubstr("is still training on"));
  FolderLook leftovers = Unsupervised();
  leftovers.evidence.guardian = Life::kDead;
  EXPECT_THAT(Refusal(leftovers, run_), HasSubstr("without a guardian"));
  EXPECT_TRUE(IsEnding(leftovers));
  EXPECT_FALSE(IsEnding(Unsupervised()));
}

TEST_F(FolderClaimTest, AnotherMachinesAttemptIsGivenUpAfterAMinuteOfSilence) {
  FolderLook look = Ended();
  look.evidence.guardian = look.evidence.owner = Life::kUnknown;
  look.evidence.attempt_lock_here = false;
  look.record.mutable_guardian()->set_boot_id("another-boot");
  look.record.set_updated(kNow - 59);
  EXPECT_THAT(Refusal(look, run_), HasSubstr("was heard 59s ago"));
  EXPECT_THAT(Refusal(look, worker_), HasSubstr("was heard 59s ago"));
  look.record.set_updated(kNow - 1000);
  look.evidence.trained = kNow - 59;
  EXPECT_NE(Refusal(look, run_), "not refused") << "its workers still speak";
  look.evidence.trained = kNow - 61;
  const auto decision = Decide(look, run_);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_FALSE(decision->inherited);
}

TEST_F(FolderClaimTest, AnOwnerThatLivesWithoutItsLockFileIsRespected) {
  FolderLook look = Unsupervised();
  look.evidence.owner = Life::kAlive;
  EXPECT_THAT(Refusal(look, run_), HasSubstr("although its lock file is free: was /runs/deit-ti/lock removed?"));
  look.ended = true;
  look.evidence.attempt_lock = LockState::kFree;
  EXPECT_TRUE(Decide(look, run_).ok()) << "an owner on its way out";
}

TEST_F(FolderClaimTest, ARecordedEndIsBelievedButForTheKernelsWord) {
  FolderLook look = Unsupervised();
  look.ended = true;
  EXPECT_TRUE(Decide(look, run_)->attempt_lives) << "its owner gave it up in error";
  look.evidence.attempt_lock = LockState::kUnknown;
  EXPECT_FALSE(Decide(look, run_)->attempt_lives);
}

TEST_F(FolderClaimTest, ACopySaysNothingAboutTheOriginalsProcesses) {
  FolderLook copy = Unsupervised();
  copy.spec_digest.clear();
  copy.recorded = false;
  copy.evidence.attempt_lock = LockState::kFree;
  copy.evidence.attempt_lock_here = false;
  copy.record.set_updated(kNow);
  const auto decision = Decide(copy, run_);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_FALSE(decision->inherited);
  copy.evidence.attempt_lock = LockState::kHeld;
  EXPECT_NE(Refusal(copy, worker_), "not refused") << "its own attempt";
}

}  // namespace
}  // namespace deit::job
