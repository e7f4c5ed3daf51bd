#include "worker/exchange/metadata_all_gather.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/functional/function_ref.h"
#include "common/base/exit_code.h"
#include "tests/support/rank_harness.h"
#include "tests/worker/exchange/lane_sums.h"
#include "worker/exchange/agreement.h"
#include "worker/exchange/reducer.h"

namespace deit::exchange {
namespace {

using collective::Communicator;

constexpr int kRounds = 20;

// Sizes of one round; every third is empty for one worker, the seventh for all.
std::vector<size_t> SizesOf(int round, int workers) {
  std::vector<size_t> sizes;
  for (int w = 0; w < workers; ++w)
    sizes.push_back(round == 7 || (round + w) % 3 == 0 ? 0 : static_cast<size_t>(1 + 997 * (round + w) % 4096));
  return sizes;
}

std::vector<std::byte> PayloadOf(int round, int worker, size_t size) {
  std::minstd_rand random(static_cast<unsigned>(1 + 100 * round + worker));
  std::vector<std::byte> payload(size);
  for (std::byte& byte : payload) byte = static_cast<std::byte>(random());
  return payload;
}

TEST(MetadataAllGatherTest, EverybodySeesEverybodysBytesInEveryWorld) {
  const plan::Grid grid = SampleGrid();
  for (int workers : {1, 2, 3, 5, 8}) {
    for (const World& world : Worlds(workers)) {
      testing::RunOnThreads(
          workers,
          [&](Communicator& member) {
            auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8));
            ASSERT_TRUE(worker_group.ok()) << worker_group.status();
            MetadataAllGather& gather = (*worker_group)->gather();
            const int64_t before = gather.bytes_sent();
            for (int round = 0; round < kRounds; ++round) {
              const std::vector<size_t> sizes = SizesOf(round, workers);
              const size_t own = sizes[static_cast<size_t>(member.rank())];
              const Status exchanged = gather.Exchange(PayloadOf(round, member.rank(), own), sizes, "results");
              ASSERT_TRUE(exchanged.ok()) << world.name << exchanged;
              for (int w = 0; w < workers; ++w) {
                const auto expected = PayloadOf(round, w, sizes[static_cast<size_t>(w)]);
                const auto got = gather.Of(w);
                ASSERT_TRUE(std::equal(got.begin(), got.end(), expected.begin(), expected.end()))
                    << world.name << " round " << round << " of " << w;
              }
            }
            EXPECT_EQ(gather.bytes_sent() == before, workers == 1);
          },
          world.options);
      if (HasFatalFailure()) return;
    }
  }
}

// Each worker's header and payload leave its node once for each other node; who is not its node's first reads it from the first's memory.
TEST(MetadataAllGatherTest, CountsWhatIsSentAndWhatIsReadFromOthers) {
  const plan::Grid grid = SampleGrid();
  collective::LocalOptions two_nodes;
  two_nodes.hosts = {"a", "a", "b"};
  std::vector<int64_t> bytes(3);
  testing::RunOnThreads(
      3,
      [&](Communicator& member) {
        auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8));
        ASSERT_TRUE(worker_group.ok()) << worker_group.status();
        const int64_t before = (*worker_group)->gather().bytes_sent();
        const std::vector<size_t> sizes = {1, 10, 100};
        ASSERT_TRUE(
            (*worker_group)->gather().Exchange(std::vector<std::byte>(sizes[static_cast<size_t>(member.rank())]), sizes, "results").ok());
        bytes[static_cast<size_t>(member.rank())] = (*worker_group)->gather().bytes_sent() - before;
      },
      two_nodes);
  constexpr int64_t kHeader = sizeof(PayloadHeader);
  EXPECT_EQ(bytes[0], 10 + (1 + 10 + 2 * kHeader)) << "reads worker 1's, sends both to the other node";
  EXPECT_EQ(bytes[1], 1 + 100) << "reads worker 0's and, from worker 0's memory, worker 2's";
  EXPECT_EQ(bytes[2], 100 + kHeader) << "sends its own";
}

// `body` on each of three workers, in every world of them; all are at step 7.
void OnThreeWorkers(absl::FunctionRef<void(const World& world, WorkerGroup& worker_group, int worker)> body) {
  const plan::Grid grid = SampleGrid();
  for (const World& world : Worlds(3)) {
    testing::RunOnThreads(
        3,
        [&](Communicator& member) {
          auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8));
          ASSERT_TRUE(worker_group.ok()) << worker_group.status();
          (*worker_group)->context().step = 7;
          body(world, **worker_group, member.rank());
        },
        world.options);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// One worker fails alone while the others are in an exchange of any kind.
TEST(MetadataAllGatherTest, AFailureOfOneIsToldToAll) {
  for (int failing = 0; failing < 3; ++failing) {
    OnThreeWorkers([&](const World& world, WorkerGroup& worker_group, int worker) {
      if (worker == failing) worker_group.context().step = 3;  // a failure comes when it comes
      const Status cause =
          WithHint(WithExitCode(absl::ResourceExhaustedError("data.threads: 64: no thread"), ExitCode::kBadConfig), "fewer");
      const Status status = worker == failing ? worker_group.gather().Fail(cause)
                                              : worker_group.gather().Exchange(std::vector<std::byte>(40), {40, 40, 40}, "results");
      EXPECT_EQ(AgreedFailureOf(status), failing) << world.name << status;
      EXPECT_EQ(ExitCodeOf(status), ExitCode::kBadConfig);
      EXPECT_EQ(HintOf(status), "fewer");
      EXPECT_FALSE(collective::IsPeerFailure(status));
      const std::string whose = worker == failing ? "" : absl::StrCat("worker ", failing, ": ");
      EXPECT_EQ(status.message(), whose + "data.threads: 64: no thread");
      worker_group.context().step = 7;
      EXPECT_TRUE(worker_group.ShareNumbers(0, "the end").ok()) << "exchanges go on";
    });
    if (HasFatalFailure()) return;
  }
}

TEST(MetadataAllGatherTest, AWorkerThatWaitsForGradientsHearsOfAFailure) {
  OnThreeWorkers([](const World& world, WorkerGroup& worker_group, int worker) {
    const auto reducer = NewExactReducer(&worker_group.context());
    Status status;
    if (worker == 1) {
      status = worker_group.gather().Fail(absl::DataLossError("/data/x.jpg: broken JPEG"));
    } else {
      ASSERT_TRUE(reducer->BeginStep().ok());
      ASSERT_TRUE(reducer->SetBucketsReady(worker_group.plan().buckets()).ok());
      ASSERT_TRUE(reducer->Finish([&] { return worker_group.context().StepGivenUp(); }).ok());
      status = worker_group.gather().Exchange({}, {0, 0, 0}, "results");
    }
    EXPECT_EQ(AgreedFailureOf(status), 1) << world.name << status;
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kCorrupt);
  });
}

TEST(MetadataAllGatherTest, WorkersInDifferentExchangesNoticeIt) {
  OnThreeWorkers([](const World& world, WorkerGroup& worker_group, int worker) {
    const Status status = worker == 2 ? worker_group.gather().Exchange({}, {0, 0, 0}, "evaluation")
                                      : worker_group.gather().Exchange(std::vector<std::byte>(8), {8, 8, 8}, "results");
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << world.name;
    EXPECT_EQ(status.message(),
              "workers are in different exchanges: worker 0 in the results of step 7, worker 2 in the evaluation of step 7");
  });
}

}  // namespace
}  // namespace deit::exchange
