#include "worker/exchange/metadata_all_gather.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/rank_harness.h"
#include "tests/worker/exchange/lane_sums.h"

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

// Each worker's payload leaves its node once for each other node; who is not its node's first reads it from the first's memory.
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
  EXPECT_EQ(bytes[0], 10 + (1 + 10)) << "reads worker 1's, sends both to the other node";
  EXPECT_EQ(bytes[1], 1 + 100) << "reads worker 0's and, from worker 0's memory, worker 2's";
  EXPECT_EQ(bytes[2], 100) << "sends its own";
}

}  // namespace
}  // namespace deit::exchange
