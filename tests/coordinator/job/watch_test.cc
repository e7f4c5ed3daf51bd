#include "coordinator/job/watch.h"

#include <gtest/gtest.h>

namespace deit::job {
namespace {

absl::Duration At(double seconds) { return absl::Seconds(seconds); }

v1::Heartbeat Beat(int64_t step, double step_seconds = 0.1, const char* phase = "compute") {
  v1::Heartbeat heartbeat;
  heartbeat.set_step(step);
  heartbeat.set_phase(phase);
  heartbeat.set_step_seconds(step_seconds);
  return heartbeat;
}

// Launched at 0; three workers that spoke at `heard`.
LaunchState Training(double heard = 10, double step_seconds = 0.1) {
  LaunchState attempt;
  attempt.began = attempt.progressed = At(0);
  attempt.workers.resize(3);
  for (int k = 0; k < 3; ++k) RecordHeartbeat(At(heard), Beat(5, step_seconds), k, &attempt);
  return attempt;
}

WatchDecision Look(double now, const LaunchState& attempt, DesiredState desired = DesiredState::kRunning) {
  return Watch(At(now), attempt, WatchLimits(), desired);
}

TEST(WatchTest, WhoSpeaksIsLetAlone) { EXPECT_EQ(Look(12, Training()).action, WatchAction::kNone); }

TEST(WatchTest, ASilentWorkerIsNamed) {
  LaunchState attempt = Training();
  RecordHeartbeat(At(12), Beat(6), 0, &attempt);
  RecordHeartbeat(At(12), Beat(6), 2, &attempt);
  EXPECT_EQ(Look(12.4, attempt).action, WatchAction::kNone);
  const WatchDecision decision = Look(12.6, attempt);
  EXPECT_EQ(decision.action, WatchAction::kKill);
  EXPECT_EQ(decision.verdict, Verdict::kSilent);
  EXPECT_EQ(decision.worker, 1);
  EXPECT_EQ(decision.waited, At(12.6) - At(10));
}

TEST(WatchTest, OfSeveralTheOneThatIsSilentLongest) {
  LaunchState attempt = Training();
  RecordHeartbeat(At(10.1), Beat(6), 0, &attempt);
  RecordHeartbeat(At(10.2), Beat(6), 1, &attempt);
  EXPECT_EQ(Look(20, attempt).worker, 2);
}

TEST(WatchTest, LongStepsMaySilenceLonger) {
  EXPECT_EQ(Look(29, Training(10, 8)).action, WatchAction::kNone);
  EXPECT_EQ(Look(31, Training(10, 8)).verdict, Verdict::kSilent);
}

TEST(WatchTest, WhoLeavesMayBeSilent) {
  LaunchState attempt = Training();
  for (auto& worker : attempt.workers) worker.left = true;
  EXPECT_EQ(Look(100, attempt).action, WatchAction::kNone);
}

TEST(WatchTest, AStopWaitsUntilAllKnowItsSignal) {
  LaunchState attempt = Training();
  attempt.workers[1] = WorkerState();
  EXPECT_EQ(Look(12, attempt, DesiredState::kStopped).action, WatchAction::kNone);
  RecordHeartbeat(At(12), Beat(0), 1, &attempt);
  EXPECT_EQ(Look(12, attempt, DesiredState::kStopped).action, WatchAction::kStop);
}

TEST(WatchTest, WhoNeverSpokeHasTheStartDeadline) {
  LaunchState attempt = Training();
  attempt.workers[2] = WorkerState();
  for (int k = 0; k < 2; ++k) RecordHeartbeat(At(30), Beat(5), k, &attempt);
  EXPECT_EQ(Look(29.9, attempt).action, WatchAction::kNone);
  EXPECT_EQ(Look(30.1, attempt).verdict, Verdict::kNotStarted);
  EXPECT_EQ(Look(30.1, attempt).worker, 2);
}

TEST(WatchTest, ADeathWaitsForTheLaunchersWordAndThenKills) {
  LaunchState attempt = Training();
  attempt.workers[1].gone = At(10.5);
  EXPECT_EQ(Look(11.1, attempt).action, WatchAction::kNone);
  const WatchDecision decision = Look(11.3, attempt);
  EXPECT_EQ(decision.verdict, Verdict::kDied);
  EXPECT_EQ(decision.worker, 1);
}

TEST(WatchTest, WithoutAPieceOfWorkTheLaunchIsStalled) {
  LaunchState attempt = Training();
  for (int k = 0; k < 3; ++k) RecordHeartbeat(At(320), Beat(5), k, &attempt);
  EXPECT_EQ(Look(320, attempt).action, WatchAction::kNone);
  for (int k = 0; k < 3; ++k) RecordHeartbeat(At(321), Beat(5), k, &attempt);
  EXPECT_EQ(Look(321, attempt).verdict, Verdict::kStalled);
}

TEST(WatchTest, APieceOfWorkOfAnyWorkerIsProgressInEveryPhase) {
  for (const char* phase : {"compute", "evaluate", "checkpoint"}) {
    LaunchState attempt = Training();
    uint64_t pieces = 0;
    for (double now = 10; now < 2000; now += 300) {
      for (int k = 0; k < 3; ++k) {
        v1::Heartbeat beat = Beat(5, 0.1, k == 1 ? phase : "exchange");
        if (k == 1) beat.set_pieces(++pieces);
        RecordHeartbeat(At(now), beat, k, &attempt);
      }
      EXPECT_EQ(Look(now, attempt).action, WatchAction::kNone) << phase << now;
    }
  }
}

TEST(WatchTest, LoadingAndSavingHaveAnHourForEachPiece) {
  for (const char* phase : {"open data", "load", "checkpoint"}) {
    LaunchState attempt = Training();
    const auto beat = [&](double now) {
      RecordHeartbeat(At(now), Beat(5, 0, "reduce"), 0, &attempt);
      for (int k = 1; k < 3; ++k) RecordHeartbeat(At(now), Beat(5, 0, phase), k, &attempt);
    };
    beat(11);
    beat(3611);
    EXPECT_EQ(Look(3611, attempt).action, WatchAction::kNone) << phase;
    beat(3612);
    EXPECT_EQ(Look(3612, attempt).verdict, Verdict::kStalled) << phase;
  }
}

TEST(WatchTest, AStopIsPassedOnOnceAndHasADeadline) {
  LaunchState attempt = Training();
  EXPECT_EQ(Look(10, attempt, DesiredState::kStopped).action, WatchAction::kStop);
  attempt.stopping = At(10);
  EXPECT_EQ(Look(10.1, attempt, DesiredState::kStopped).action, WatchAction::kNone);
  for (int k = 0; k < 3; ++k) RecordHeartbeat(At(341), Beat(6), k, &attempt);
  EXPECT_EQ(Look(341, attempt, DesiredState::kStopped).verdict, Verdict::kNotDrained);
}

TEST(WatchTest, AStopWaitsForASaveThatMakesProgressAndForNothingElse) {
  LaunchState attempt = Training();
  attempt.stopping = At(10);
  v1::Heartbeat saving = Beat(6, 0.1, "checkpoint");
  for (double now = 10; now < 1000; now += 200) {
    saving.set_pieces(saving.pieces() + 1);
    for (int k = 0; k < 3; ++k) RecordHeartbeat(At(now), saving, k, &attempt);
    EXPECT_EQ(Look(now, attempt, DesiredState::kStopped).action, WatchAction::kNone) << "the save goes on";
  }
  v1::Heartbeat training = Beat(6, 0.1);
  for (double now = 1000; now < 1400; now += 1) {
    training.set_pieces(training.pieces() + 1);
    for (int k = 0; k < 3; ++k) RecordHeartbeat(At(now), training, k, &attempt);
  }
  EXPECT_EQ(Look(1400, attempt, DesiredState::kStopped).verdict, Verdict::kNotDrained) << "another step is no answer to a stop";
}

TEST(WatchTest, AKillIsRepeatedByForceWhileAnythingLives) {
  LaunchState attempt = Training();
  EXPECT_EQ(Look(10, attempt, DesiredState::kKilled).verdict, Verdict::kForceKilled);
  attempt.kill = {.verdict = Verdict::kForceKilled, .worker = 0, .waited = {}, .sent = At(10), .count = 1};
  EXPECT_EQ(Look(14.9, attempt, DesiredState::kKilled).action, WatchAction::kNone);
  EXPECT_EQ(Look(15, attempt, DesiredState::kKilled).action, WatchAction::kForceKill);
  attempt.kill->sent = At(15);
  attempt.kill->count = 2;
  EXPECT_EQ(Look(15.9, attempt, DesiredState::kKilled).action, WatchAction::kNone);
  EXPECT_EQ(Look(16, attempt, DesiredState::kKilled).action, WatchAction::kForceKill);
}

TEST(WatchTest, ASuspendedWatcherExtendsItsDeadlines) {
  LaunchState attempt = Training();
  EXPECT_EQ(Look(20.1, attempt).action, WatchAction::kKill);
  ExtendDeadlines(At(10), &attempt);
  EXPECT_EQ(Look(20.1, attempt).action, WatchAction::kNone);
  EXPECT_EQ(Look(22.6, attempt).action, WatchAction::kKill);
}

}  // namespace
}  // namespace deit::job
