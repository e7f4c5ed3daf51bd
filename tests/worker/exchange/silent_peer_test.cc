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
using Part = std::function<Status(WorkerGroup&)>;

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
        auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8, order));
        ASSERT_TRUE(worker_group.ok()) << worker_group.status();
        (*worker_group)->context().step = 7;
        (*worker_group)->context().Report(Phase::kCompute);
        ASSERT_TRUE(before(**worker_group).ok());
        ASSERT_TRUE((*worker_group)->Agree(absl::OkStatus(), "the start").ok());
        if (member.rank() == 1) {
          while (end == End::kHangs && !over) absl::SleepFor(absl::Milliseconds(1));
          return;
        }
        (*worker_group)->context().deadline.limit = kLimit;
        const absl::Duration start = Clock::System().Elapsed();
        (*worker_group)->context().Report(Phase::kGather);
        outcome = part(**worker_group);
        EXPECT_LT(Clock::System().Elapsed() - start, kLimit + kSlack);
        over = true;
      },
      options);
  EXPECT_EQ(ExitCodeOf(outcome), ExitCode::kPeerLost) << outcome;
  return outcome;
}

Status Nothing(WorkerGroup&) { return absl::OkStatus(); }

Status Reduce(WorkerGroup& worker_group) {
  const auto reducer = worker_group.plan().order() == LaneOrder::kTree ? NewExactReducer(&worker_group.context())
                                                                       : NewFastestReducer(&worker_group.context());
  DEIT_RETURN_IF_ERROR(reducer->BeginStep());
  DEIT_RETURN_IF_ERROR(reducer->SetBucketsReady(worker_group.plan().buckets()));
  return reducer->Finish();
}

Status Exchange(WorkerGroup& worker_group) { return worker_group.gather().Exchange(std::vector<std::byte>(5), {5, 5}, "results"); }
Status Publish(WorkerGroup& worker_group) { return worker_group.parameter_all_gather().Publish(); }
Status AgreeOnSaving(WorkerGroup& worker_group) { return worker_group.Agree(absl::OkStatus(), "saving"); }
Status AgreeWithoutTeam(WorkerGroup& worker_group) {
  return exchange::Agree(*worker_group.context().world, worker_group.context().deadline, absl::OkStatus(), "saving");
}

std::string Hang(bool shared, const Part& part) {
  const Status outcome = Outcome(shared, End::kHangs, LaneOrder::kTree, Nothing, part);
  EXPECT_EQ(outcome.code(), absl::StatusCode::kDeadlineExceeded) << outcome;
  return std::string(outcome.message());
}

const auto kLastReport = AllOf(HasSubstr("no progress for 150ms"), HasSubstr("last reported: step 7, phase compute"));

TEST(SilentPeerTest, TheReductionNamesItsWorkerBucketStepAndPhase) {
  EXPECT_THAT(Hang(true, Reduce), AllOf(HasSubstr("worker 1 did not finish gradient bucket 0 of step 7"), kLastReport));
  EXPECT_THAT(Hang(false, Reduce),
              AllOf(HasSubstr("worker 1 did not deliver gradient bucket 0 of step 7"), HasSubstr("no progress for 150ms")));
}

TEST(SilentPeerTest, TheSmallExchangeNamesItsWorkerStepAndPhase) {
  EXPECT_THAT(Hang(true, Exchange), AllOf(HasSubstr("worker 1 did not reach the results of step 7"), kLastReport));
  EXPECT_THAT(Hang(false, Exchange), AllOf(HasSubstr("worker 1 did not send the results of step 7"), HasSubstr("no progress for 150ms")));
}

TEST(SilentPeerTest, TheGatherNamesItsWorkerStepAndPhase) {
  EXPECT_THAT(Hang(true, Publish), AllOf(HasSubstr("worker 1 did not update its part of the weights of step 7"), kLastReport));
  EXPECT_THAT(Hang(false, Publish),
              AllOf(HasSubstr("worker 1 did not send its part of the weights of step 7"), HasSubstr("no progress for 150ms")));
}

TEST(SilentPeerTest, AnAgreementNamesItsSubject) {
  EXPECT_THAT(Hang(true, AgreeOnSaving), AllOf(HasSubstr("worker 1 did not reach the agreement on saving"), kLastReport));
  EXPECT_THAT(Hang(false, AgreeOnSaving),
              AllOf(HasSubstr("worker 1 did not send the agreement on saving"), HasSubstr("no progress for 150ms")));
  EXPECT_THAT(Hang(true, AgreeWithoutTeam), HasSubstr("a peer did not come to saving: no progress for 150ms"));
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
  const Status outcome = Outcome(true, End::kHangs, LaneOrder::kTree, Reduce, [](WorkerGroup& worker_group) {
    worker_group.context().step = 8;
    return Exchange(worker_group);
  });
  EXPECT_THAT(std::string(outcome.message()), AllOf(HasSubstr("worker 1 did not reach the results of step 8"), kLastReport));
}

}  // namespace
}  // namespace deit::exchange
