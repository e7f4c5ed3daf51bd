#include "coordinator/job/policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace deit::job {
namespace {

using Kind = RootCause::Kind;

constexpr int kBudget = 100;

RootCause Cause(Kind kind, int exit_code = 70) {
  RootCause cause;
  cause.kind = kind;
  if (kind == Kind::kExit) cause.exit_code = exit_code;
  return cause;
}

struct Attempt {
  int64_t first = 0, steps = 0;
  bool trained = true;
  int exit_code = 70;
  const char* failure = "exit 70";
};

v1::Summary Summary(const std::vector<Attempt>& attempts) {
  v1::Summary summary;
  for (size_t k = 0; k < attempts.size(); ++k) {
    auto* attempt = summary.add_attempts();
    attempt->set_attempt(static_cast<int>(k) + 1);
    attempt->set_first_step(attempts[k].first);
    attempt->set_steps_executed(attempts[k].steps);
    if (attempts[k].trained) attempt->set_train_start_time(1);
    attempt->set_exit_code(attempts[k].exit_code);
    attempt->set_failure(attempts[k].failure);
    attempt->set_end_time(2);
  }
  return summary;
}

NextStep After(const std::vector<Attempt>& attempts, int budget = kBudget, Kind kind = Kind::kSignal) {
  return AfterAttempt({.cause = Cause(kind), .history = HistoryOf(Summary(attempts), 1), .max_restarts = budget});
}

NextStep AfterFirst(const RootCause& cause, DesiredState desired = DesiredState::kRunning, StepCounts steps = {}, bool room = true) {
  History history;
  AddFailure(FailureName(cause), 0, &history);
  return AfterAttempt(
      {.cause = cause, .history = history, .max_restarts = kBudget, .desired = desired, .steps = steps, .room_for_checkpoint = room});
}

TEST(PolicyTest, GoodEndsEnd) {
  EXPECT_EQ(After({}, kBudget, Kind::kDone).state, v1::JobState::SUCCEEDED);
  const NextStep stopped = AfterFirst(Cause(Kind::kStopped), DesiredState::kRunning, {.reached = 12, .saved = 12});
  EXPECT_EQ(stopped.state, v1::JobState::STOPPED);
  EXPECT_EQ(stopped.reason, "stopped with everything saved");
}

TEST(PolicyTest, PermanentFailuresAreNotTriedAgain) {
  for (const int code : {64, 66, 73}) {
    const NextStep next = AfterFirst(Cause(Kind::kExit, code));
    EXPECT_FALSE(next.restart) << code;
    EXPECT_EQ(next.state, v1::JobState::FAILED);
    EXPECT_EQ(AfterFirst(Cause(Kind::kExit, code), DesiredState::kStopped).state, v1::JobState::FAILED);
  }
  for (const int code : {0, 1, 65, 69, 70, 71, 74, 75, 76}) EXPECT_TRUE(AfterFirst(Cause(Kind::kExit, code)).restart) << code;
  RootCause launch = Cause(Kind::kLaunchFailed);
  EXPECT_TRUE(AfterFirst(launch).restart);
  launch.permanent = true;
  EXPECT_FALSE(AfterFirst(launch).restart);
}

TEST(PolicyTest, NewStepsMakeRestartsImmediateForEver) {
  std::vector<Attempt> attempts;
  for (int k = 0; k < 150; ++k) {
    attempts.push_back({10 * k, 12});
    const NextStep next = After(attempts);
    EXPECT_TRUE(next.restart) << "the budget counts from the last new step";
    EXPECT_EQ(next.delay, absl::ZeroDuration());
  }
}

TEST(PolicyTest, FailuresWithoutANewStepWaitLongerEachTime) {
  std::vector<Attempt> attempts = {{0, 50}};
  EXPECT_EQ(After(attempts).delay, absl::ZeroDuration());
  std::vector<absl::Duration> delays;
  for (int k = 0; k < 9; ++k) {
    attempts.push_back({10, 20, true, 70, k % 2 == 0 ? "signal 9" : "silent"});
    const NextStep next = After(attempts);
    EXPECT_TRUE(next.restart) << "causes change";
    delays.push_back(next.delay);
  }
  EXPECT_EQ(delays[0], absl::Seconds(1));
  EXPECT_EQ(delays[1], absl::Seconds(2));
  EXPECT_EQ(delays[2], absl::Seconds(4));
  EXPECT_EQ(delays[8], absl::Seconds(60));
}

TEST(PolicyTest, TheThirdFailureInARowWithOneCauseAndNoNewStepIsTheLast) {
  EXPECT_TRUE(After({{0, 50}, {40, 10}}).restart);
  const NextStep last = After({{0, 50}, {40, 10}, {40, 5}});
  EXPECT_FALSE(last.restart) << "whichever step it was";
  EXPECT_EQ(last.state, v1::JobState::FAILED);
  EXPECT_FALSE(last.budget_exhausted);
  EXPECT_EQ(last.reason, "failed 3 times in a row with the same cause and no new step");
  EXPECT_TRUE(After({{0, 50}, {40, 10}, {40, 11}}).restart) << "step 51 is new";
  EXPECT_TRUE(After({{0, 50}, {40, 10, true, 70, "silent"}, {40, 10}}).restart) << "another cause in between";
}

TEST(PolicyTest, AttemptsThatNeverTrainedDidNoNewStep) {
  EXPECT_TRUE(After({{0, 0, false}, {0, 0, false}}).restart);
  EXPECT_FALSE(After({{0, 0, false}, {0, 0, false}, {0, 0, false}}).restart);
}

TEST(PolicyTest, LaunchesThatStartedNothingAreTriedForMinutes) {
  History history;
  absl::Duration waited;
  int failures = 0;
  for (NextStep next{.restart = true}; next.restart; waited += next.delay) {
    AddFailure("launch failed", 0, &history);
    ++failures;
    next = AfterAttempt({.cause = Cause(Kind::kLaunchFailed), .history = history, .max_restarts = kBudget});
  }
  EXPECT_EQ(failures, 10);
  EXPECT_GT(waited, absl::Minutes(3));
}

TEST(PolicyTest, AnUnlaunchedAttemptIsNoFailure) {
  v1::Summary summary = Summary({{0, 10}, {10, 0, false}, {10, 0, false}, {10, 0}});
  EXPECT_EQ(HistoryOf(summary, 1).failures, 4);
  for (const int never_launched : {1, 2}) {
    summary.mutable_attempts(never_launched)->clear_exit_code();
    summary.mutable_attempts(never_launched)->clear_end_time();
  }
  EXPECT_EQ(HistoryOf(summary, 1).failures, 2);
}

TEST(PolicyTest, AStopInBetweenResetsTheCount) { EXPECT_TRUE(After({{0, 50}, {40, 10}, {40, 0, true, 75, ""}, {40, 10}}).restart); }

TEST(PolicyTest, EarlierLivesCountOnlyByTheStepsTheyReached) {
  const auto summary = Summary({{0, 50}, {40, 10}, {40, 10}, {40, 10}});
  EXPECT_EQ(HistoryOf(summary, 1).same_cause, 4);
  const History history = HistoryOf(summary, 4);
  EXPECT_EQ(history.failures, 1);
  EXPECT_EQ(history.same_cause, 1);
  EXPECT_EQ(history.furthest, 50);
}

TEST(PolicyTest, AnAttemptThatIsTakenOverIsNoFailureYet) {
  const auto summary = Summary({{0, 50}, {40, 30}});
  const History history = HistoryOf(summary, 1, 2);
  EXPECT_EQ(history.failures, 1);
  EXPECT_EQ(history.furthest, 50) << "its steps are new until it ends";
}

TEST(PolicyTest, TheBudgetEnds) {
  EXPECT_TRUE(After({{0, 10}, {10, 0}}, 2).restart);
  const NextStep next = After({{0, 10}, {10, 0, true, 70, "silent"}, {10, 0, true, 70, "stalled"}}, 2);
  EXPECT_FALSE(next.restart);
  EXPECT_TRUE(next.budget_exhausted);
  EXPECT_EQ(next.reason, "all restarts are used up: 3 attempts failed since the last new step (fault.max_restarts=2)");
  EXPECT_FALSE(After({{0, 10}}, 0).restart) << "0: never";
}

TEST(PolicyTest, WithoutRoomForACheckpointNothingIsTrainedAgain) {
  EXPECT_TRUE(AfterFirst(Cause(Kind::kExit, 74)).restart);
  const NextStep next = AfterFirst(Cause(Kind::kExit, 74), DesiredState::kRunning, {}, false);
  EXPECT_FALSE(next.restart);
  EXPECT_EQ(next.state, v1::JobState::FAILED);
  EXPECT_TRUE(AfterFirst(Cause(Kind::kExit, 76), DesiredState::kRunning, {}, false).restart) << "another cause";
}

TEST(PolicyTest, NothingIsStartedAfterAStop) {
  for (const Kind kind : {Kind::kSignal, Kind::kKilled, Kind::kLaunchFailed, Kind::kExit}) {
    const NextStep next = AfterFirst(Cause(kind), DesiredState::kStopped, {.reached = 157, .saved = 150});
    EXPECT_FALSE(next.restart);
    EXPECT_EQ(next.state, v1::JobState::STOPPED);
    EXPECT_EQ(next.reason, "stopped; 7 finished steps are lost: saved up to step 150 of 157");
  }
}

TEST(PolicyTest, AStopSaysWhatIsSaved) {
  EXPECT_EQ(DescribeStop({.reached = 0, .saved = 0}), "stopped before the first step");
  EXPECT_EQ(DescribeStop({.reached = 5, .saved = 5}), "stopped with everything saved");
  EXPECT_EQ(DescribeStop({.reached = 1, .saved = 0}), "stopped; 1 finished step is lost: saved up to step 0 of 1");
}

}  // namespace
}  // namespace deit::job
