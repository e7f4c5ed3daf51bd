// Worker 1 stops before it does its part: every wait of the others ends in time and says whom it was for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "common/base/exit_code.h"
#include "tests/support/rank_harness.h"
#include "tests/worker/exchange/lane_sums.h"
#include "worker/exchange/agreement.h"

namespace deit::exchange {
namespace {

using collective::Communicator;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr absl::Duration kLimit = absl::Milliseconds(150);
constexpr absl::Duration kSlack = absl::Seconds(2);

enum class End { kHangs, kLeaves };
using Part = std::function<Status(Team&)>;

// What worker 0 of two gets from `part` at step 7 when worker 1 does nothing (or ends) after reporting that it computes. `before` is done by both.
Status Outcome(bool shared, End end, LaneOrder order, const Part& before, const Part& part) {
  const plan::Grid grid = SampleGrid();
  collective::LocalOptions options;
  options.hosts = {"a", shared ? "a" : "b"};
  std::atomic<bool> over = false;
  Status outcome;
  testing::RunOnThreads(
      2,
      [&](Communicator& member) {
        auto team = Team::Form(member, grid, OptionsFor(8, order));
        ASSERT_TRUE(team.ok()) << team.status();
        (*team)->context().step = 7;
        (*team)->context().Report(Phase::kCompute);
        ASSERT_TRUE(before(**team).ok());
        ASSERT_TRUE((*team)->Agree(absl::OkStatus(), "the start").ok());
        if (member.rank() == 1) {
          while (end == End::kHangs && !over) absl::SleepFor(absl::Milliseconds(1));
          return;
        }
        (*team)->context().deadline.limit = kLimit;
        const absl::Duration start = Clock::System().Elapsed();
        (*team)->context().Report(Phase::kGather);
        outcome = part(**team);
        EXPECT_LT(Clock::System().Elapsed() - start, kLimit + kSlack);
        over = true;
      },
      options);
  EXPECT_EQ(ExitCodeOf(outcome), ExitCode::kPeerLost) << outcome;
  return outcome;
}

Status Nothing(Team&) { return absl::OkStatus(); }

Status Reduce(Team& team) {
  const auto reducer = team.plan().order() == LaneOrder::kTree ? NewExactReducer(&team.context()) : NewFastestReducer(&team.context());
  DEIT_RETURN_IF_ERROR(reducer->BeginStep());
  DEIT_RETURN_IF_ERROR(reducer->SetBucketsReady(team.plan().buckets()));
  return reducer->Finish();
}

Status Exchange(Team& team) { return team.gather().Exchange(std::vector<std::byte>(5), {5, 5}, "results"); }
Status Publish(Team& team) { return team.weight_gather().Publish(); }
Status AgreeOnSaving(Team& team) { return team.Agree(absl::OkStatus(), "saving"); }
Status AgreeWithoutTeam(Team& team) { return exchange::Agree(*team.context().world, team.context().deadline, absl::OkStatus(), "saving"); }

std::string Hang(bool shared, const Part& part) {
  const Status outcome = Outcome(shared, End::kHangs, LaneOrder::kTree, Nothing, part);
  EXPECT_EQ(outcome.code(), absl::StatusCode::kDeadlineExceeded) << outcome;
  return std::string(outcome.message());
}

const auto kLastReport = AllOf(HasSubstr("within 150ms"), HasSubstr("last reported: step 7, phase compute"));

TEST(SilentPeerTest, TheReductionNamesItsWorkerBucketStepAndPhase) {
  EXPECT_THAT(Hang(true, Reduce), AllOf(HasSubstr("worker 1 did not finish gradient bucket 0 of step 7"), kLastReport));
  EXPECT_THAT(Hang(false, Reduce), AllOf(HasSubstr("worker 1 did not deliver gradient bucket 0 of step 7"), HasSubstr("within 150ms")));
}

TEST(SilentPeerTest, TheSmallExchangeNamesItsWorkerStepAndPhase) {
  EXPECT_THAT(Hang(true, Exchange), AllOf(HasSubstr("worker 1 did not reach the results of step 7"), kLastReport));
  EXPECT_THAT(Hang(false, Exchange), AllOf(HasSubstr("worker 1 did not send the results of step 7"), HasSubstr("within 150ms")));
}

TEST(SilentPeerTest, TheGatherNamesItsWorkerStepAndPhase) {
  EXPECT_THAT(Hang(true, Publish), AllOf(HasSubstr("worker 1 did not update its part of the weights of step 7"), kLastReport));
  EXPECT_THAT(Hang(false, Publish), AllOf(HasSubstr("worker 1 did not send its part of the weights of step 7"), HasSubstr("within 150ms")));
}

TEST(SilentPeerTest, AnAgreementNamesItsSubject) {
  EXPECT_THAT(Hang(true, AgreeOnSaving), AllOf(HasSubstr("worker 1 did not reach the agreement on saving"), kLastReport));
  EXPECT_THAT(Hang(false, AgreeOnSaving), AllOf(HasSubstr("worker 1 did not send the agreement on saving"), HasSubstr("within 150ms")));
  EXPECT_THAT(Hang(true, AgreeWithoutTeam), HasSubstr("a peer did not come to saving within 150ms"));
}

TEST(SilentPeerTest, TheLibrarysReductionNamesWhoIsBehind) {
  const Status outcome = Outcome(true, End::kHangs, LaneOrder::kSequential, Nothing, Reduce);
  EXPECT_THAT(std::string(outcome.message()), AllOf(HasSubstr("gradients of step 7"), HasSubstr("worker 1"), kLastReport));
}

// Where messages travel, a peer that is gone shows at once.
TEST(SilentPeerTest, APeerThatLeftIsUnavailable) {
  for (const Part& part : {Part(Reduce), Part(Exchange), Part(Publish), Part(AgreeOnSaving), Part(AgreeWithoutTeam)}) {
    const Status outcome = Outcome(false, End::kLeaves, LaneOrder::kTree, Nothing, part);
    EXPECT_EQ(outcome.code(), absl::StatusCode::kUnavailable) << outcome;
    EXPECT_THAT(std::string(outcome.message()), HasSubstr("worker 1"));
  }
}

TEST(SilentPeerTest, APeerThatStopsAfterAGoodStepIsNamedToo) {
  const Status outcome = Outcome(true, End::kHangs, LaneOrder::kTree, Reduce, [](Team& team) {
    team.context().step = 8;
    return Exchange(team);
  });
  EXPECT_THAT(std::string(outcome.message()), AllOf(HasSubstr("worker 1 did not reach the results of step 8"), kLastReport));
}

}  // namespace
}  // namespace deit::exchange
