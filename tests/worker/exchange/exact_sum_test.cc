// The whole exchange of several steps: reduce, small exchange, update, gather; bits and bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/support/rank_harness.h"
#include "tests/worker/exchange/lane_sums.h"

namespace deit::exchange {
namespace {

using collective::Communicator;

constexpr int kSteps = 2;

// What the steps add, and what must come out.
struct Sample {
  explicit Sample(int lanes) {
    for (int step = 0; step < kSteps; ++step) {
      gradients.push_back(LaneGradients(lanes, grid.elements()));
      std::rotate(gradients.back().begin(), gradients.back().begin() + step, gradients.back().end());
      sums.push_back(TreeSums(gradients.back()));
      narrow_sums.emplace_back(sums.back().size());
      update::CastToBFloat16(sums.back().data(), narrow_sums.back().data(), grid.elements());
    }
  }
  const plan::Grid grid = SampleGrid();
  std::vector<std::vector<std::vector<float>>> gradients;  // by step, then lane
  std::vector<std::vector<float>> sums;
  std::vector<std::vector<update::BFloat16Bits>> narrow_sums;
};

struct Sent {
  int64_t gradients = 0, weights = 0;
};

// Weights are this step's sums, and the compute copy is their cast.
void ExpectSums(WorkerGroup& worker_group, const Sample& sample, size_t step, const std::string& where) {
  for (const plan::TensorPlace& tensor : sample.grid.tensors()) {
    const size_t at = static_cast<size_t>(tensor.offset), count = static_cast<size_t>(tensor.count);
    ASSERT_EQ(std::memcmp(worker_group.memory().weights() + at, sample.sums[step].data() + at, count * sizeof(float)), 0)
        << where << " step " << step << " " << tensor.name;
    ASSERT_EQ(std::memcmp(worker_group.memory().compute_weights() + at, sample.narrow_sums[step].data() + at,
                          count * sizeof(update::BFloat16Bits)),
              0)
        << where << " step " << step << " " << tensor.name;
  }
}

// One worker's part of kSteps steps whose new weights are the sums over the lanes.
void RunSteps(Communicator& world, const Sample& sample, Sent* sent, const std::string& where) {
  WorkerGroupOptions options = OptionsFor(static_cast<int>(sample.gradients[0].size()));
  options.compute_copy = true;
  auto formed = WorkerGroup::Create(world, sample.grid, options);
  ASSERT_TRUE(formed.ok()) << where << formed.status();
  WorkerGroup& worker_group = **formed;
  const auto reducer = NewExactReducer(&worker_group.context());
  const float* const root = worker_group.memory().slot(worker_group.context().member(), 0);
  for (size_t step = 0; step < kSteps; ++step) {
    worker_group.context().step = step;
    ASSERT_TRUE(reducer->BeginStep().ok());
    AccumulateLanes(worker_group, sample.gradients[step]);
    for (int ready = 1; ready <= worker_group.plan().buckets(); ++ready) ASSERT_TRUE(reducer->SetBucketsReady(ready).ok());
    const Status finished = reducer->Finish();
    ASSERT_TRUE(finished.ok()) << where << finished;
    ASSERT_TRUE(worker_group.gather().Exchange({}, std::vector<size_t>(static_cast<size_t>(world.size())), "results").ok());
    for (int bucket = 0; bucket < worker_group.plan().buckets(); ++bucket) {
      const ElementRange part = worker_group.plan().ShardOf(bucket, world.rank());
      std::copy_n(root + part.begin, part.count, worker_group.memory().weights() + part.begin);
      worker_group.parameter_all_gather().Cast(part);
    }
    const Status published = worker_group.parameter_all_gather().Publish();
    ASSERT_TRUE(published.ok()) << where << published;
    ExpectSums(worker_group, sample, step, where);
  }
  sent->gradients = reducer->bytes_sent();
  sent->weights = worker_group.parameter_all_gather().bytes_sent();
  EXPECT_EQ(sent->gradients, kSteps * worker_group.plan().GradientBytes(world.rank())) << where;
  EXPECT_EQ(sent->weights, kSteps * worker_group.plan().WeightBytes(world.rank())) << where;
}

class ExactSumTest : public ::testing::TestWithParam<int> {};

TEST_P(ExactSumTest, HasTheBitsOfTheTreeAndThePlansBytesInEveryWorld) {
  const Sample sample(GetParam());
  for (int workers : {1, 2, 3, 5, 8}) {
    for (const World& world : Worlds(workers)) {
      std::vector<Sent> sent(static_cast<size_t>(workers));
      testing::RunOnThreads(
          workers, [&](Communicator& member) { RunSteps(member, sample, &sent[static_cast<size_t>(member.rank())], world.name); },
          world.options);
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lanes, ExactSumTest, ::testing::Values(8, 16));

TEST(RingBytesTest, PowersOfTwoOfWorkersSendARingsBytes) {
  const Sample sample(8);
  for (int workers : {2, 4, 8}) {
    const World world = Worlds(workers)[2];
    std::vector<Sent> sent(static_cast<size_t>(workers));
    testing::RunOnThreads(
        workers, [&](Communicator& member) { RunSteps(member, sample, &sent[static_cast<size_t>(member.rank())], world.name); },
        world.options);
    int64_t total = 0;
    for (const Sent& worker : sent) total += worker.gradients + worker.weights;
    EXPECT_EQ(total, kSteps * 2 * (workers - 1) * sample.grid.elements() * 4) << workers;
  }
}

// The library's sum is close to the tree's, and whole.
TEST(FastestSumTest, IsCloseToTheTree) {
  const plan::Grid grid = SampleGrid();
  const auto gradients = LaneGradients(8, grid.elements());
  const std::vector<float> sums = TreeSums(gradients);
  for (int workers : {1, 2, 3, 8}) {
    testing::RunOnThreads(workers, [&](Communicator& member) {
      auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8, LaneOrder::kSequential));
      ASSERT_TRUE(worker_group.ok()) << worker_group.status();
      const auto reducer = NewFastestReducer(&(*worker_group)->context());
      for (int step = 0; step < 2; ++step) {
        ASSERT_TRUE(reducer->BeginStep().ok());
        AccumulateLanes(**worker_group, gradients);
        for (int ready = 1; ready <= (*worker_group)->plan().buckets(); ++ready) ASSERT_TRUE(reducer->SetBucketsReady(ready).ok());
        ASSERT_TRUE(reducer->Finish().ok());
        const float* root = (*worker_group)->memory().slot((*worker_group)->context().member(), 0);
        for (int bucket = 0; bucket < (*worker_group)->plan().buckets(); ++bucket) {
          const ElementRange part = (*worker_group)->plan().ShardOf(bucket, member.rank());
          for (int64_t i = part.begin; i < part.begin + part.count; ++i) ASSERT_NEAR(root[i], sums[static_cast<size_t>(i)], 0.05) << i;
        }
        ASSERT_TRUE((*worker_group)->Agree(absl::OkStatus(), "the step").ok());
      }
      EXPECT_EQ(reducer->bytes_sent(), 2 * 4 * (workers == 1 ? 0 : grid.elements() - (*worker_group)->plan().OwnedBy(member.rank())));
    });
  }
}

}  // namespace
}  // namespace deit::exchange
