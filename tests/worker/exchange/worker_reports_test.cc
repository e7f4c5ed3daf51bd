#include "worker/exchange/worker_reports.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/rank_harness.h"
#include "tests/worker/exchange/lane_sums.h"

namespace deit::exchange {
namespace {

using collective::Communicator;

collective::LocalOptions Hosts(std::vector<std::string> hosts) {
  collective::LocalOptions options;
  options.hosts = std::move(hosts);
  return options;
}

// Until `seen` holds, at most 20 s.
void Await(absl::FunctionRef<bool()> seen) {
  const absl::Duration end = Clock::System().Elapsed() + absl::Seconds(20);
  while (!seen() && Clock::System().Elapsed() < end) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_TRUE(seen());
}

TEST(WorkerReportsTest, ReachWorkersOfEveryNode) {
  const plan::Grid grid = SampleGrid();
  for (const World& world : Worlds(4)) {
    std::atomic<int> done = 0;
    testing::RunOnThreads(
        4,
        [&](Communicator& member) {
          auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8));
          ASSERT_TRUE(worker_group.ok()) << worker_group.status();
          Context& context = (*worker_group)->context();
          context.step = 10 + static_cast<uint64_t>(member.rank());
          context.Report(member.rank() == 3 ? Phase::kEvaluate : Phase::kCompute);
          if (member.rank() == 3) {
            context.reports->Set(kStop, 1);
            context.GiveStepUp();
          }
          Await([&] { return context.LastReport(3) == "last reported: step 13, phase evaluate"; });
          for (int w = 0; w < 3; ++w) {
            Await([&] { return context.LastReport(w) == absl::StrCat("last reported: step ", 10 + w, ", phase compute"); });
          }
          EXPECT_EQ(context.reports->Largest(kStop), 1u) << world.name;
          EXPECT_EQ(context.reports->Largest(kGivenUp), 14u);
          EXPECT_EQ(context.FurthestBehind({3, 1, 2}), 1);
          ++done;
          Await([&] { return done == 4; });  // no node leaves before all have heard
        },
        world.options);
    if (HasFatalFailure()) return;
  }
}

// Worker 1 comes to the exchange after several limits, and works meanwhile.
void ExpectPatience(std::vector<std::string> hosts, absl::Duration limit, absl::Duration work) {
  const plan::Grid grid = SampleGrid();
  testing::RunOnThreads(
      2,
      [&](Communicator& member) {
        auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8));
        ASSERT_TRUE(worker_group.ok()) << worker_group.status();
        (*worker_group)->context().deadline.limit = limit;
        const absl::Duration end = Clock::System().Elapsed() + work;
        while (member.rank() == 1 && Clock::System().Elapsed() < end) {
          (*worker_group)->context().AddPiece();
          absl::SleepFor(absl::Milliseconds(5));
        }
        const Status status = (*worker_group)->gather().Exchange({}, {0, 0}, "results");
        EXPECT_TRUE(status.ok()) << status;
      },
      Hosts(std::move(hosts)));
}

TEST(WorkerReportsTest, AWaitGoesOnWhileTheAwaitedWorkerWorks) {
  ExpectPatience({"a", "a"}, absl::Milliseconds(400), absl::Milliseconds(1200));
}

TEST(WorkerReportsTest, AWaitForAnotherNodeGoesOnWhileItsWorkerWorks) { ExpectPatience({"a", "b"}, absl::Seconds(3), absl::Seconds(4.5)); }

}  // namespace
}  // namespace deit::exchange
