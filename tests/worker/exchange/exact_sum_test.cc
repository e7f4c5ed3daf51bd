// The whole exchange of several steps: reduce, small exchange, update, gather; bits and bytes.
#include <gtest/gtest.h>

#include <bit>

#include "tests/support/rank_harness.h"
#include "tests/worker/exchange/lane_sums.h"

namespace deit::exchange {
namespace {

using collective::Communicator;

constexpr int kSteps = 3;

struct Sent {
  int64_t gradients = 0, weights = 0;
};

// One worker's part of kSteps steps whose new weights are the sums over the lanes. Step s sums factor 2^s times the gradients.
void RunSteps(Communicator& world, const plan::Grid& grid, const std::vector<std::vector<float>>& gradients, const std::vector<float>& sums,
              Sent* sent, const std::string& where) {
  TeamOptions options = OptionsFor(static_cast<int>(gradients.size()));
  options.compute_copy = true;
  auto formed = Team::Form(world, grid, options);
  ASSERT_TRUE(formed.ok()) << where << formed.status();
  Team& team = **formed;
  const auto reducer = NewExactReducer(&team.context());
  const float* const root = team.memory().slot(team.context().member(), 0);
  float* const weights = team.memory().weights();
  for (int step = 0; step < kSteps; ++step) {
    team.context().step = static_cast<uint64_t>(step);
    const float factor = static_cast<float>(1 << step);
    ASSERT_TRUE(reducer->BeginStep().ok());
    AccumulateLanes(team, gradients, factor);
    for (int ready = 1; ready <= team.plan().buckets(); ++ready) ASSERT_TRUE(reducer->SetBucketsReady(ready).ok());
    const Status finished = reducer->Finish();
    ASSERT_TRUE(finished.ok()) << where << finished;
    ASSERT_TRUE(team.gather().Exchange({}, std::vector<size_t>(static_cast<size_t>(world.size())), "results").ok());
    for (int bucket = 0; bucket < team.plan().buckets(); ++bucket) {
      const ElementRange part = team.plan().PartOf(bucket, world.rank());
      std::copy_n(root + part.begin, part.count, weights + part.begin);
      team.weight_gather().Cast(part);
    }
    const Status published = team.weight_gather().Publish();
    ASSERT_TRUE(published.ok()) << where << published;
    for (const plan::TensorPlace& tensor : grid.tensors()) {
      for (int64_t i = tensor.offset; i < tensor.offset + tensor.count; ++i) {
        const float expected = sums[static_cast<size_t>(i)] * factor;
        update::BFloat16Bits narrow = 0;
        update::CastToBFloat16(&expected, &narrow, 1);
        ASSERT_EQ(std::bit_cast<uint32_t>(weights[i]), std::bit_cast<uint32_t>(expected)) << where << " step " << step << " " << tensor.name << " " << i;
        ASSERT_EQ(team.memory().compute_weights()[i], narrow) << where << " step " << step << " " << tensor.name << " " << i;
      }
    }
  }
  sent->gradients = reducer->bytes_sent();
  sent->weights = team.weight_gather().bytes_sent();
  EXPECT_EQ(sent->gradients, kSteps * team.plan().GradientBytes(world.rank())) << where;
  EXPECT_EQ(sent->weights, kSteps * team.plan().WeightBytes(world.rank())) << where;
}

class ExactSumTest : public ::testing::TestWithParam<int> {};

TEST_P(ExactSumTest, HasTheBitsOfTheTreeAndThePlansBytesInEveryWorld) {
  const int lanes = GetParam();
  const plan::Grid grid = SampleGrid();
  const auto gradients = LaneGradients(lanes, grid.elements());
  const std::vector<float> sums = TreeSums(gradients);
  for (int workers : {1, 2, 3, 5, 8}) {
    for (const World& world : Worlds(workers)) {
      std::vector<Sent> sent(static_cast<size_t>(workers));
      testing::RunOnThreads(workers, [&](Communicator& member) {
        RunSteps(member, grid, gradients, sums, &sent[static_cast<size_t>(member.rank())], world.name);
      }, world.options);
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lanes, ExactSumTest, ::testing::Values(8, 16));

TEST(RingBytesTest, PowersOfTwoOfWorkersSendARingsBytes) {
  const plan::Grid grid = SampleGrid();
  const auto gradients = LaneGradients(8, grid.elements());
  const std::vector<float> sums = TreeSums(gradients);
  for (int workers : {2, 4, 8}) {
    const World world = Worlds(workers)[2];
    std::vector<Sent> sent(static_cast<size_t>(workers));
    testing::RunOnThreads(workers, [&](Communicator& member) {
      RunSteps(member, grid, gradients, sums, &sent[static_cast<size_t>(member.rank())], world.name);
    }, world.options);
    int64_t total = 0;
    for (const Sent& worker : sent) total += worker.gradients + worker.weights;
    EXPECT_EQ(total, kSteps * 2 * (workers - 1) * grid.elements() * 4) << workers;
  }
}

// The library's sum is close to the tree's, and whole.
TEST(FastestSumTest, IsCloseToTheTree) {
  const plan::Grid grid = SampleGrid();
  const auto gradients = LaneGradients(8, grid.elements());
  const std::vector<float> sums = TreeSums(gradients);
  for (int workers : {1, 2, 3, 8}) {
    testing::RunOnThreads(workers, [&](Communicator& member) {
      auto team = Team::Form(member, grid, OptionsFor(8, LaneOrder::kSequential));
      ASSERT_TRUE(team.ok()) << team.status();
      const auto reducer = NewFastestReducer(&(*team)->context());
      for (int step = 0; step < 2; ++step) {
        ASSERT_TRUE(reducer->BeginStep().ok());
        AccumulateLanes(**team, gradients, 1);
        for (int ready = 1; ready <= (*team)->plan().buckets(); ++ready) ASSERT_TRUE(reducer->SetBucketsReady(ready).ok());
        ASSERT_TRUE(reducer->Finish().ok());
        const float* root = (*team)->memory().slot((*team)->context().member(), 0);
        for (int bucket = 0; bucket < (*team)->plan().buckets(); ++bucket) {
          const ElementRange part = (*team)->plan().PartOf(bucket, member.rank());
          for (int64_t i = part.begin; i < part.begin + part.count; ++i) ASSERT_NEAR(root[i], sums[static_cast<size_t>(i)], 0.05) << i;
        }
        ASSERT_TRUE((*team)->Agree(absl::OkStatus(), "the step").ok());
      }
      EXPECT_EQ(reducer->bytes_sent(), 2 * 4 * (workers == 1 ? 0 : grid.elements() - (*team)->plan().OwnedBy(member.rank())));
    });
  }
}

}  // namespace
}  // namespace deit::exchange
