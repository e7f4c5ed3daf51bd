#include "coordinator/api/cancel_decision.h"

#include <gtest/gtest.h>

#include "tests/support/job_records.h"

namespace deit::api {
namespace {

using process::Life;
using v1::JobState;

constexpr absl::Duration kTimeout = absl::Seconds(60);

v1::ProcessIdentity ProcessOf(int64_t pid) {
  v1::ProcessIdentity process;
  process.set_host("n0");
  process.set_pid(pid);
  return process;
}

// Owner 100, guardian 200, workers 300 and 301, which live as said.
JobSnapshot Running(Life owner, Life guardian, Life worker0, Life worker1) {
  JobSnapshot snapshot{.observation = {}, .health = {.state = JobState::RUNNING, .reason = "", .hint = ""}};
  v1::JobRecord& record = snapshot.observation.record;
  record = testing::RecordOf("7f3a0001", JobState::RUNNING, ProcessOf(100));
  *record.mutable_guardian() = ProcessOf(200);
  *record.mutable_workers(0)->mutable_process() = ProcessOf(300);
  *record.mutable_workers(1)->mutable_process() = ProcessOf(301);
  snapshot.observation.evidence = {.owner = owner, .guardian = guardian, .workers = {worker0, worker1}};
  return snapshot;
}

JobSnapshot Over(JobState::Value state, bool recorded) {
  JobSnapshot snapshot = Running(Life::kDead, Life::kDead, Life::kDead, Life::kDead);
  snapshot.health.state = state;
  if (recorded) snapshot.observation.record.set_ended(1);
  return snapshot;
}

int64_t PidOf(const CancelDecision& decision) { return decision.receiver == nullptr ? 0 : decision.receiver->pid(); }

TEST(DecideCancelTest, AsksTheOwnerElseTheGuardianElseAWorker) {
  const auto receiver = [](const JobSnapshot& snapshot) { return PidOf(DecideCancel(snapshot, 0, absl::ZeroDuration(), kTimeout)); };
  EXPECT_EQ(receiver(Running(Life::kAlive, Life::kAlive, Life::kAlive, Life::kAlive)), 100);
  EXPECT_EQ(receiver(Running(Life::kDead, Life::kAlive, Life::kAlive, Life::kAlive)), 200);
  EXPECT_EQ(receiver(Running(Life::kUnknown, Life::kDead, Life::kDead, Life::kAlive)), 301);
  EXPECT_EQ(receiver(Running(Life::kUnknown, Life::kUnknown, Life::kUnknown, Life::kDead)), 0);
  JobSnapshot hidden = Running(Life::kAlive, Life::kHidden, Life::kHidden, Life::kHidden);
  hidden.observation.evidence.owner_reachable = false;
  EXPECT_EQ(receiver(hidden), 0) << "in another container";
}

TEST(DecideCancelTest, AsksEachReceiverOnce) {
  const JobSnapshot owned = Running(Life::kAlive, Life::kAlive, Life::kAlive, Life::kAlive);
  EXPECT_EQ(DecideCancel(owned, 0, absl::Seconds(1), kTimeout).action, CancelAction::kSignal);
  EXPECT_EQ(DecideCancel(owned, 100, absl::Seconds(1), kTimeout).action, CancelAction::kWait);
  const JobSnapshot orphaned = Running(Life::kDead, Life::kAlive, Life::kAlive, Life::kAlive);
  EXPECT_EQ(PidOf(DecideCancel(orphaned, 100, absl::Seconds(1), kTimeout)), 200) << "the owner passed nothing on";
}

TEST(DecideCancelTest, TimesOutOnlyWhileTheJobGoesOn) {
  const JobSnapshot owned = Running(Life::kAlive, Life::kAlive, Life::kAlive, Life::kAlive);
  EXPECT_EQ(DecideCancel(owned, 100, kTimeout - absl::Milliseconds(1), kTimeout).action, CancelAction::kWait);
  EXPECT_EQ(DecideCancel(owned, 100, kTimeout, kTimeout).action, CancelAction::kTimeOut);
  EXPECT_EQ(DecideCancel(Over(JobState::SUCCEEDED, true), 100, kTimeout, kTimeout).action, CancelAction::kFinish);
}

TEST(DecideCancelTest, RecordsTheCancellationThatNoOwnerRecorded) {
  const auto action = [](JobState::Value state, bool recorded) {
    return DecideCancel(Over(state, recorded), 0, absl::ZeroDuration(), kTimeout).action;
  };
  EXPECT_EQ(action(JobState::STOPPED, true), CancelAction::kRecordCanceled);
  EXPECT_EQ(action(JobState::STOPPED, false), CancelAction::kRecordCanceled);
  EXPECT_EQ(action(JobState::CANCELED, false), CancelAction::kRecordCanceled);
  EXPECT_EQ(action(JobState::CANCELED, true), CancelAction::kFinish);
  for (const auto state : {JobState::SUCCEEDED, JobState::FAILED, JobState::LOST}) {
    EXPECT_EQ(action(state, true), CancelAction::kFinish);
    EXPECT_EQ(action(state, false), CancelAction::kFinish);
  }
}

TEST(IsEndedForGoodTest, AStoppedJobCanStillBeCanceled) {
  EXPECT_TRUE(IsEndedForGood(Over(JobState::SUCCEEDED, true)));
  EXPECT_TRUE(IsEndedForGood(Over(JobState::CANCELED, true)));
  EXPECT_TRUE(IsEndedForGood(Over(JobState::LOST, false)));
  EXPECT_FALSE(IsEndedForGood(Over(JobState::STOPPED, true)));
  EXPECT_FALSE(IsEndedForGood(Running(Life::kAlive, Life::kAlive, Life::kAlive, Life::kAlive)));
}

}  // namespace
}  // namespace deit::api
