#include "coordinator/job/root_cause.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::job {
namespace {

using Kind = RootCause::Kind;
using ::testing::HasSubstr;

constexpr launch::LaunchFailure kKilled{.rank = 1, .signal = 9};
constexpr launch::LaunchFailure kExited{.rank = 1, .exit_code = 76};

// Two workers on n1 at step 12; mpirun ended with exit code 1.
Evidence TwoWorkers() {
  Evidence evidence;
  evidence.launcher = "mpirun";
  evidence.exit.emplace().set_exit_code(1);
  for (int k = 0; k < 2; ++k) {
    WorkerEvidence worker;
    worker.worker = k;
    worker.host = "n1";
    worker.spoke = true;
    worker.step = 12;
    worker.phase = "compute";
    evidence.workers.push_back(worker);
  }
  return evidence;
}

v1::WorkerError Error(int code, double time, const std::string& message) {
  v1::WorkerError error;
  error.set_exit_code(code);
  error.set_time(time);
  error.set_step(13);
  error.set_phase("reduce");
  error.set_message(message);
  error.set_hint("a hint");
  return error;
}

v1::AttemptResult Result(int code) {
  v1::AttemptResult result;
  result.set_exit_code(code);
  return result;
}

TEST(RootCauseTest, WorkerZerosRecordOfAGoodEndDecides) {
  Evidence evidence = TwoWorkers();
  evidence.result = Result(0);
  EXPECT_EQ(FindRootCause(evidence).kind, Kind::kDone);
  evidence.result = Result(75);
  EXPECT_EQ(FindRootCause(evidence).kind, Kind::kStopped);
}

TEST(RootCauseTest, ALauncherThatEndsWellWithoutThatRecordIsAFailure) {
  for (const int code : {0, 75}) {
    Evidence evidence = TwoWorkers();
    evidence.exit->set_exit_code(code);
    const RootCause cause = FindRootCause(evidence);
    EXPECT_EQ(cause.kind, Kind::kUnknown) << code;
    EXPECT_THAT(cause.text, HasSubstr("exit code"));
  }
}

TEST(RootCauseTest, ASignalIsNamedWithWorkerNodeStepAndPhase) {
  Evidence evidence = TwoWorkers();
  evidence.failure = kKilled;
  const RootCause cause = FindRootCause(evidence);
  EXPECT_EQ(cause.kind, Kind::kSignal);
  EXPECT_EQ(cause.worker, 1);
  EXPECT_EQ(cause.node, "n1");
  EXPECT_EQ(cause.signal, 9);
  EXPECT_EQ(cause.text, "worker 1 on n1: killed by signal 9 (Killed) at step 12 in phase compute");
}

TEST(RootCauseTest, AKillWhileTheKernelRanOutOfMemoryIsSaidToBeThat) {
  Evidence evidence = TwoWorkers();
  evidence.failure = kKilled;
  evidence.exit->set_out_of_memory_kills(1);
  EXPECT_THAT(FindRootCause(evidence).text, HasSubstr("out of memory"));
  EXPECT_THAT(FindRootCause(evidence).hint, HasSubstr("fewer workers"));
}

TEST(RootCauseTest, AnExitHasTheWorkersOwnMessageAndHint) {
  Evidence evidence = TwoWorkers();
  evidence.failure = kExited;
  evidence.workers[1].error = Error(76, 5, "loss of step 13, lane 4: not finite");
  const RootCause cause = FindRootCause(evidence);
  EXPECT_EQ(cause.kind, Kind::kExit);
  EXPECT_EQ(cause.exit_code, 76);
  EXPECT_EQ(cause.text, "worker 1 on n1: exit 76 (loss not finite) at step 13 in phase reduce: loss of step 13, lane 4: not finite");
  EXPECT_EQ(cause.hint, "a hint");
}

TEST(RootCauseTest, WhoLostAPeerPassesTheBlameOn) {
  Evidence evidence = TwoWorkers();
  evidence.failure = {.rank = 0, .exit_code = 69};
  evidence.workers[0].error = Error(69, 5, "worker 1 did not deliver bucket 3 of step 13 within 2s");
  const RootCause cause = FindRootCause(evidence);
  EXPECT_EQ(cause.kind, Kind::kSilent);
  EXPECT_EQ(cause.worker, 1);
  EXPECT_EQ(cause.exit_code, 69);
}

TEST(RootCauseTest, TheLaunchersRankIsTheWorkerThatIntroducedItselfWithIt) {
  Evidence evidence = TwoWorkers();
  evidence.workers[0].rank = 1;
  evidence.workers[1].rank = 0;
  evidence.failure = kKilled;
  EXPECT_EQ(FindRootCause(evidence).worker, 0);
  evidence.workers[0].rank.reset();
  EXPECT_EQ(FindRootCause(evidence).worker, 1) << "rank 1 has not introduced itself";
}

TEST(RootCauseTest, WhatTheSupervisorSawComesBeforeWhatItsKillCaused) {
  Evidence evidence = TwoWorkers();
  evidence.verdict = Verdict::kSilent;
  evidence.verdict_worker = 1;
  evidence.verdict_seconds = 2.5;
  evidence.exit->clear_exit_code();
  evidence.exit->set_signal(9);
  evidence.exit->set_asked_to_kill(true);
  evidence.failure = {.rank = 0, .signal = 9};
  const RootCause cause = FindRootCause(evidence);
  EXPECT_EQ(cause.kind, Kind::kSilent);
  EXPECT_EQ(cause.worker, 1);
  EXPECT_EQ(cause.text, "worker 1 on n1: silent for 2.5 s at step 12 in phase compute");
  evidence.workers[1].suspended = true;
  EXPECT_THAT(FindRootCause(evidence).text, HasSubstr("silent for 2.5 s (stopped by a signal) at step 12"));
  evidence.verdict = Verdict::kNotStarted;
  evidence.workers[1].spoke = false;
  EXPECT_EQ(FindRootCause(evidence).text, "worker 1 on n1: did not start within 2.5 s (stopped by a signal)");
  EXPECT_EQ(FindRootCause(evidence).hint, "");
  evidence.workers[1].suspended = false;
  EXPECT_EQ(FindRootCause(evidence).text, "worker 1 on n1: did not start within 2.5 s");
  EXPECT_EQ(FindRootCause(evidence).hint, "where programs load slowly, raise fault.start_timeout");
}

TEST(RootCauseTest, LauncherAndGuardianHaveDeathsOfTheirOwn) {
  Evidence evidence = TwoWorkers();
  evidence.workers[0].closed = 7;  // both died of it
  evidence.workers[1].closed = 8;
  evidence.exit->clear_exit_code();
  evidence.exit->set_signal(9);
  EXPECT_EQ(FindRootCause(evidence).kind, Kind::kLauncher);
  EXPECT_FALSE(FindRootCause(evidence).worker);
  evidence.exit.reset();
  EXPECT_EQ(FindRootCause(evidence).kind, Kind::kGuardian);
}

TEST(RootCauseTest, WithoutANoticeTheEarliestErrorThatIsNoLostPeerSpeaks) {
  Evidence evidence = TwoWorkers();
  evidence.workers[0].error = Error(69, 4, "not all workers came");
  evidence.workers[1].error = Error(65, 5, "cat.jpg: broken");
  EXPECT_EQ(FindRootCause(evidence).worker, 1);
  evidence.workers[1].error.reset();
  EXPECT_EQ(FindRootCause(evidence).worker, 0);
}

TEST(RootCauseTest, WithoutAnyWordTheFirstThatWasGone) {
  Evidence evidence = TwoWorkers();
  evidence.workers[0].closed = 8;
  evidence.workers[1].closed = 7;
  EXPECT_EQ(FindRootCause(evidence).worker, 1);
  evidence.workers[1].left = true;  // it had said so
  EXPECT_EQ(FindRootCause(evidence).worker, 0);
}

TEST(RootCauseTest, ANoticeAboutAWorkerThatNobodyKnowsIsStillSaid) {
  Evidence evidence;
  evidence.exit.emplace().set_exit_code(137);
  evidence.failure = kKilled;
  EXPECT_EQ(FindRootCause(evidence).worker, 1);
  EXPECT_EQ(FindRootCause(evidence).text, "worker 1: killed by signal 9 (Killed)");
}

TEST(RootCauseTest, ASuspendedWorkerIsTheOneThatOthersWaitedFor) {
  Evidence evidence = TwoWorkers();
  for (WorkerEvidence& worker : evidence.workers) worker.spoke = false;
  evidence.verdict = Verdict::kNotStarted;
  evidence.verdict_worker = 0;
  evidence.verdict_seconds = 30;
  evidence.workers[1].suspended = true;
  EXPECT_EQ(FindRootCause(evidence).text, "worker 1 on n1: did not start within 30.0 s (stopped by a signal)");
}

TEST(RootCauseTest, OneCauseHasOneNameWhicheverWorkerAndStep) {
  Evidence evidence = TwoWorkers();
  evidence.failure = kKilled;
  EXPECT_EQ(FailureName(FindRootCause(evidence)), "signal 9");
  evidence.failure->rank = 0;
  evidence.workers[0].step = 700;
  EXPECT_EQ(FailureName(FindRootCause(evidence)), "signal 9");
  evidence.failure = kExited;
  EXPECT_EQ(FailureName(FindRootCause(evidence)), "exit 76");
  evidence.failure.reset();
  evidence.exit->clear_exit_code();
  evidence.exit->set_signal(9);
  EXPECT_EQ(FailureName(FindRootCause(evidence)), "launcher signal 9");
}

TEST(RootCauseTest, ALauncherThatWasNeverStartedIsTheCause) {
  Evidence evidence = TwoWorkers();
  evidence.exit->clear_exit_code();
  evidence.exit->set_error("/tmp/deit-0-7f3a0001-1: cannot create folder: read-only file system");
  evidence.verdict = Verdict::kNotStarted;
  EXPECT_EQ(FindRootCause(evidence).text, "/tmp/deit-0-7f3a0001-1: cannot create folder: read-only file system");
}

TEST(RootCauseTest, AWorkersOwnErrorIsNotBlamedOnAGuardianThatCouldNotWrite) {
  Evidence evidence = TwoWorkers();
  evidence.exit.reset();
  EXPECT_EQ(FindRootCause(evidence).kind, Kind::kGuardian);
  evidence.workers[0].error = Error(69, 1, "worker 1 did not answer within 30s");
  EXPECT_EQ(FindRootCause(evidence).kind, Kind::kGuardian) << "its peer died with the guardian";
  evidence.workers[1].error = Error(65, 2, "train-images: ends at byte 12");
  EXPECT_EQ(FindRootCause(evidence).worker, 1);
}

}  // namespace
}  // namespace deit::job
