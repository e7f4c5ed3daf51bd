#include "coordinator/supervise/watch.h"

#include <gtest/gtest.h>

namespace deit::supervise {
namespace {

using Action = WatchDecision::Action;

absl::Duration At(double seconds) { return absl::Seconds(seconds); }

v1::Heartbeat Beat(int64_t step, double step_seconds = 0.1, const char* phase = "compute") {
  v1::Heartbeat heartbeat;
  heartbeat.set_step(step);
  heartbeat.set_phase(phase);
  heartbeat.set_step_seconds(step_seconds);
  return heartbeat;
}

// Launched at 0; three workers that spoke at `heard`.
AttemptWatch Training(double heard = 10, double step_seconds = 0.1) {
  AttemptWatch attempt;
  attempt.began = attempt.progressed = At(0);
  attempt.workers.resize(3);
  for (size_t k = 0; k < 3; ++k) Hear(At(heard), Beat(5, step_seconds), k, &attempt);
  return attempt;
}

WatchDecision Look(double now, const AttemptWatch& attempt, Wish wish = Wish::kTrain) {
  return Watch(At(now), attempt, WatchLimits(), wish);
}

TEST(WatchTest, WhoSpeaksIsLetAlone) { EXPECT_EQ(Look(12, Training()).action, Action::kNone); }

TEST(WatchTest, ASilentWorkerIsNamed) {
  AttemptWatch attempt = Training();
  Hear(At(12), Beat(6), 0, &attempt);
  Hear(At(12), Beat(6), 2, &attempt);
  EXPECT_EQ(Look(12.4, attempt).action, Action::kNone);
  const WatchDecision decision = Look(12.6, attempt);
  EXPECT_EQ(decision.action, Action::kKill);
  EXPECT_EQ(decision.verdict, Verdict::kSilent);
  EXPECT_EQ(decision.worker, 1);
  EXPECT_EQ(decision.waited, At(12.6) - At(10));
}

TEST(WatchTest, OfSeveralTheOneThatIsSilentLongest) {
  AttemptWatch attempt = Training();
  Hear(At(10.1), Beat(6), 0, &attempt);
  Hear(At(10.2), Beat(6), 1, &attempt);
  EXPECT_EQ(Look(20, attempt).worker, 2);
}

TEST(WatchTest, LongStepsMaySilenceLonger) {
  EXPECT_EQ(Look(29, Training(10, 8)).action, Action::kNone);
  EXPECT_EQ(Look(31, Training(10, 8)).verdict, Verdict::kSilent);
}

TEST(WatchTest, WhoLeavesMayBeSilent) {
  AttemptWatch attempt = Training();
  for (auto& worker : attempt.workers) worker.left = true;
  EXPECT_EQ(Look(100, attempt).action, Action::kNone);
}

TEST(WatchTest, AStopWaitsUntilAllKnowItsSignal) {
  AttemptWatch attempt = Training();
  attempt.workers[1] = WorkerWatch();
  EXPECT_EQ(Look(12, attempt, Wish::kStop).action, Action::kNone);
  Hear(At(12), Beat(0), 1, &attempt);
  EXPECT_EQ(Look(12, attempt, Wish::kStop).action, Action::kStop);
}

TEST(WatchTest, WhoNeverSpokeHasTheStartDeadline) {
  AttemptWatch attempt = Training();
  attempt.workers[2] = WorkerWatch();
  for (size_t k = 0; k < 2; ++k) Hear(At(30), Beat(5), k, &attempt);
  EXPECT_EQ(Look(29.9, attempt).action, Action::kNone);
  EXPECT_EQ(Look(30.1, attempt).verdict, Verdict::kNotStarted);
  EXPECT_EQ(Look(30.1, attempt).worker, 2);
}

TEST(WatchTest, ADeathWaitsForTheLaunchersWordAndThenKills) {
  AttemptWatch attempt = Training();
  attempt.workers[1].died = At(10.5);
  EXPECT_EQ(Look(11.1, attempt).action, Action::kNone);
  const WatchDecision decision = Look(11.3, attempt);
  EXPECT_EQ(decision.verdict, Verdict::kDied);
  EXPECT_EQ(decision.worker, 1);
}

TEST(WatchTest, AStallIsAfterTheFirstStepOnly) {
  AttemptWatch attempt = Training(10, 0);
  for (size_t k = 0; k < 3; ++k) Hear(At(1000), Beat(5, 0), k, &attempt);
  EXPECT_EQ(Look(1001, attempt).action, Action::kNone) << "loading takes what it takes";
  for (size_t k = 0; k < 3; ++k) Hear(At(2000), Beat(5, 0.1), k, &attempt);
  EXPECT_EQ(Look(2001, attempt).verdict, Verdict::kStalled);
}

TEST(WatchTest, EvaluationIsNoStall) {
  AttemptWatch attempt = Training();
  for (size_t k = 0; k < 3; ++k) Hear(At(2000), Beat(5, 0.1, "evaluate"), k, &attempt);
  EXPECT_EQ(Look(2001, attempt).action, Action::kNone);
}

TEST(WatchTest, AWishToStopIsPassedOnOnceAndHasADeadline) {
  AttemptWatch attempt = Training();
  EXPECT_EQ(Look(10, attempt, Wish::kStop).action, Action::kStop);
  attempt.stop_sent = true;
  attempt.stop_sent_at = At(10);
  EXPECT_EQ(Look(10.1, attempt, Wish::kStop).action, Action::kNone);
  for (size_t k = 0; k < 3; ++k) Hear(At(321), Beat(6), k, &attempt);
  EXPECT_EQ(Look(321, attempt, Wish::kStop).verdict, Verdict::kImpatient);
}

TEST(WatchTest, AWishToKillKillsOnce) {
  AttemptWatch attempt = Training();
  EXPECT_EQ(Look(10, attempt, Wish::kKill).verdict, Verdict::kImpatient);
  attempt.kill_sent = true;
  EXPECT_EQ(Look(10, attempt, Wish::kKill).action, Action::kNone);
}

TEST(WatchTest, AnOwnerThatWasStoppedForgivesThatTime) {
  AttemptWatch attempt = Training();
  EXPECT_EQ(Look(20.1, attempt).action, Action::kKill);
  Forgive(At(10), &attempt);
  EXPECT_EQ(Look(20.1, attempt).action, Action::kNone);
  EXPECT_EQ(Look(22.6, attempt).action, Action::kKill);
}

}  // namespace
}  // namespace deit::supervise
