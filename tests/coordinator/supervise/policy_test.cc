#include "coordinator/supervise/policy.h"

#include <gtest/gtest.h>

namespace deit::supervise {
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
    attempt->set_end_time(2);
  }
  return summary;
}

NextStep After(const std::vector<Attempt>& attempts, int budget = kBudget, Kind kind = Kind::kSignal) {
  return AfterAttempt(Cause(kind), HistoryOf(Summary(attempts), 1), budget, false);
}

TEST(PolicyTest, GoodEndsEnd) {
  EXPECT_EQ(After({{0, 10, true, 0}}, kBudget, Kind::kDone).state, v1::JobState::SUCCEEDED);
  EXPECT_EQ(After({{0, 10, true, 75}}, kBudget, Kind::kStopped).state, v1::JobState::STOPPED);
}

TEST(PolicyTest, WhatWouldEndTheSameWayIsNotTriedAgain) {
  for (const int code : {64, 66, 73}) {
    const NextStep next = AfterAttempt(Cause(Kind::kExit, code), {}, kBudget, false);
    EXPECT_FALSE(next.restart) << code;
    EXPECT_EQ(next.state, v1::JobState::FAILED);
  }
  for (const int code : {0, 1, 65, 69, 70, 71, 74, 75, 76}) {
    EXPECT_TRUE(AfterAttempt(Cause(Kind::kExit, code), {}, kBudget, false).restart) << code;
  }
}

TEST(PolicyTest, ProgressMakesRestartsImmediateForEver) {
  std::vector<Attempt> attempts;
  for (int k = 0; k < 50; ++k) {
    attempts.push_back({10 * k, 12});
    const NextStep next = After(attempts);
    EXPECT_TRUE(next.restart);
    EXPECT_EQ(next.delay, absl::ZeroDuration());
  }
}

TEST(PolicyTest, FailuresWithoutProgressWaitLongerEachTime) {
  std::vector<Attempt> attempts = {{0, 50}};
  std::vector<absl::Duration> delays;
  for (int k = 0; k < 9; ++k) {
    attempts.push_back({10, 20 - k});  // each at another step, none further than 50
    delays.push_back(After(attempts).delay);
  }
  EXPECT_EQ(delays[0], absl::ZeroDuration());
  EXPECT_EQ(delays[1], absl::Seconds(1));
  EXPECT_EQ(delays[2], absl::Seconds(2));
  EXPECT_EQ(delays[3], absl::Seconds(4));
  EXPECT_EQ(delays[8], absl::Seconds(60));
}

TEST(PolicyTest, TheThirdFailureInARowAtTheSameStepIsTheLast) {
  EXPECT_TRUE(After({{0, 50}, {40, 10}}).restart);
  const NextStep last = After({{0, 50}, {40, 10}, {40, 10}});
  EXPECT_FALSE(last.restart);
  EXPECT_EQ(last.state, v1::JobState::FAILED);
  EXPECT_FALSE(last.budget_exhausted);
  EXPECT_TRUE(After({{0, 50}, {40, 10}, {40, 15}, {40, 15}}).restart);
}

TEST(PolicyTest, AnAttemptThatNeverTrainedFailedWhereItWouldHaveBegun) {
  EXPECT_TRUE(After({{0, 0, false}, {0, 0, false}}).restart);
  EXPECT_FALSE(After({{0, 0, false}, {0, 0, false}, {0, 0, false}}).restart);
  EXPECT_FALSE(After({{0, 50}, {0, 0, false}, {0, 0, false}}).restart) << "the first at step 50, two where its successors would begin";
}

TEST(PolicyTest, AnAttemptWhoseOwnerDiedBeforeItWasLaunchedIsNoFailure) {
  v1::Summary summary = Summary({{0, 10}, {10, 0, false}, {10, 0, false}, {10, 5}});
  const History all = HistoryOf(summary, 1);
  for (const int never_launched : {1, 2}) {
    summary.mutable_attempts(never_launched)->clear_exit_code();
    summary.mutable_attempts(never_launched)->clear_end_time();
  }
  EXPECT_EQ(HistoryOf(summary, 1).restarts, all.restarts - 2);
  EXPECT_EQ(HistoryOf(summary, 1).without_progress, 0);
}

TEST(PolicyTest, AStopInBetweenForgives) { EXPECT_TRUE(After({{0, 50}, {40, 10}, {40, 0, true, 75}, {40, 10}}).restart); }

TEST(PolicyTest, EarlierLivesCountOnlyByTheStepsTheyReached) {
  const auto summary = Summary({{0, 50}, {40, 10}, {40, 10}, {40, 10}});
  EXPECT_FALSE(AfterAttempt(Cause(Kind::kSignal), HistoryOf(summary, 1), kBudget, false).restart);
  const History history = HistoryOf(summary, 4);
  EXPECT_EQ(history.restarts, 0);
  EXPECT_EQ(history.same_step, 1);
  EXPECT_EQ(history.without_progress, 1) << "step 50 had been reached before";
  EXPECT_TRUE(AfterAttempt(Cause(Kind::kSignal), history, kBudget, false).restart);
}

TEST(PolicyTest, TheBudgetEnds) {
  EXPECT_TRUE(After({{0, 10}, {10, 10}}, 2).restart);
  const NextStep next = After({{0, 10}, {10, 10}, {20, 10}}, 2);
  EXPECT_FALSE(next.restart);
  EXPECT_TRUE(next.budget_exhausted);
  EXPECT_FALSE(After({{0, 10}}, 0).restart);
}

TEST(PolicyTest, NothingIsStartedForWhoWantsToStop) {
  const NextStep next = AfterAttempt(Cause(Kind::kSignal), {}, kBudget, true);
  EXPECT_FALSE(next.restart);
  EXPECT_EQ(next.state, v1::JobState::FAILED);
  EXPECT_EQ(AfterAttempt(Cause(Kind::kKilled), {}, kBudget, true).state, v1::JobState::STOPPED);
}

}  // namespace
}  // namespace deit::supervise
