#include "worker/state/owned_state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "common/base/digest.h"
#include "proto/spec.pb.h"
#include "worker/state/buffer_state.h"

namespace deit::state {
namespace {

plan::Grid SampleGrid() { return plan::Grid({{"a", {100000}}, {"b", {10}}, {"c", {300, 400}}}, 30000); }

std::vector<float> Ramp(int64_t count, float scale) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = scale * static_cast<float>(std::sin(static_cast<double>(i)));
  return values;
}

const std::vector<double> kDecay = {0.1, 0, 0.2};

const update::Optimizer& Optimizer(const std::string& opt = "adamw") {
  static std::map<std::string, std::unique_ptr<update::Optimizer>> made;
  v1::OptimizerSpec spec;
  spec.set_opt(opt);
  auto& optimizer = made[opt];
  if (!optimizer) optimizer = update::NewOptimizer(spec);
  return *optimizer;
}

// Each piece on a thread of its own.
void OnManyThreads(int64_t count, const std::function<void(int64_t)>& body) {
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// All owners together do to weights, moments and EMA what one owner of everything does, bit by bit, and on many threads what one thread does.
TEST(OwnedStateTest, OwnersTogetherDoWhatOneDoes) {
  const plan::Grid grid = SampleGrid();
  std::vector<float> gradients = Ramp(grid.elements(), 1);
  std::vector<float> expected = Ramp(grid.elements(), 0.5f);
  OwnedState one(grid, plan::Shards(grid, 1), 0, Optimizer(), true);
  one.StartEma(expected.data());
  for (int t = 1; t <= 2; ++t) one.Update(Optimizer(), {0.01, t, 0.5}, kDecay, 0.99, gradients.data(), expected.data());
  const std::vector<uint64_t> digests = one.Digests();
  const std::vector<double> squares = one.Squares(gradients.data());
  const size_t blocks = grid.blocks().size();
  ASSERT_EQ(digests.size(), 3 * blocks);
  for (int workers : {2, 3, 5, 8}) {
    const plan::Shards parts(grid, workers);
    std::vector<float> weights = Ramp(grid.elements(), 0.5f);
    int64_t elements = 0;
    size_t owned = 0;
    for (int w = 0; w < workers; ++w) {
      OwnedState state(grid, parts, w, Optimizer(), true, OnManyThreads);
      state.StartEma(weights.data());
      for (int t = 1; t <= 2; ++t) state.Update(Optimizer(), {0.01, t, 0.5}, kDecay, 0.99, gradients.data(), weights.data());
      const auto mine = state.Digests();
      const auto my_squares = state.Squares(gradients.data());
      const size_t n = state.blocks().size();
      for (size_t k = 0; k < n; ++k) {
        const size_t block = static_cast<size_t>(state.blocks()[k].block);
        for (size_t kind = 0; kind < 3; ++kind)
          EXPECT_EQ(mine[kind * n + k], digests[kind * blocks + block]) << workers << " workers, block " << block;
        EXPECT_EQ(my_squares[k], squares[block]);
      }
      owned += n;
      elements += state.bytes() / 12;
      EXPECT_LE(state.bytes(), 12 * (grid.ElementsIn({0, static_cast<int>(blocks)}) / workers + plan::kBlockElements))
          << "1/W and one block";
    }
    EXPECT_EQ(owned, blocks);
    EXPECT_EQ(elements, grid.ElementsIn({0, static_cast<int>(blocks)}));
    EXPECT_EQ(weights, expected) << workers;
  }
}

TEST(OwnedStateTest, WithoutEmaThereIsNone) {
  const plan::Grid grid = SampleGrid();
  OwnedState state(grid, plan::Shards(grid, 1), 0, Optimizer(), false);
  EXPECT_EQ(state.ema(), nullptr);
  EXPECT_FALSE(state.has_ema());
  EXPECT_EQ(state.bytes(), 8 * (100000 + 10 + 120000));
  EXPECT_EQ(state.Digests().size(), 2 * grid.blocks().size());
}

TEST(OwnedStateTest, AWorkerWithoutBlocksKnowsOfTheEma) {
  const plan::Grid grid({{"only", {10}}}, 100);
  for (bool with_ema : {true, false}) {
    OwnedState state(grid, plan::Shards(grid, 2), 0, Optimizer(), with_ema);
    EXPECT_EQ(state.has_ema(), with_ema);
    EXPECT_TRUE(state.blocks().empty() && state.Digests().empty());
    EXPECT_EQ(state.bytes(), 0);
  }
}

TEST(OwnedStateTest, TheDigestShowsEachKindOfState) {
  const plan::Grid grid = SampleGrid();
  OwnedState state(grid, plan::Shards(grid, 1), 0, Optimizer(), true);
  const auto before = state.Digests();
  size_t kind = 0;
  for (const checkpoint::TensorKind each : state.kinds()) {
    float* const values = state.values(each);
    values[70000] = 1;  // block 1
    auto after = state.Digests();
    const size_t place = kind++ * grid.blocks().size() + 1;
    EXPECT_NE(after[place], before[place]);
    after[place] = before[place];
    EXPECT_EQ(after, before);
    values[70000] = 0;
  }
}

TEST(OwnedStateTest, EachOptimizerHasItsOwnState) {
  using checkpoint::TensorKind;
  const plan::Grid grid = SampleGrid();
  OwnedState sgd(grid, plan::Shards(grid, 1), 0, Optimizer("sgd"), true);
  EXPECT_EQ(sgd.kinds(), (std::vector<TensorKind>{TensorKind::kMomentumBuffer, TensorKind::kEma}));
  EXPECT_EQ(sgd.values(TensorKind::kExpAvg), nullptr);
  EXPECT_EQ(sgd.bytes(), 8 * (100000 + 10 + 120000));
  std::vector<float> gradients = Ramp(grid.elements(), 1), weights(gradients.size());
  sgd.Update(Optimizer("sgd"), {0.1, 1, 0.5}, kDecay, 0.5, gradients.data(), weights.data());
  EXPECT_FLOAT_EQ(sgd.values(TensorKind::kMomentumBuffer)[1], 0.5f * gradients[1]);
  EXPECT_FLOAT_EQ(weights[1], -0.1f * (0.5f + 0.45f) * gradients[1]);
  EXPECT_FLOAT_EQ(sgd.ema()[1], 0.5f * weights[1]);
}

// By tensor, weights and EMA wait for the rates.
TEST(OwnedStateTest, LambWaitsForNormsThenMovesAndAverages) {
  const plan::Grid grid = SampleGrid();
  OwnedState state(grid, plan::Shards(grid, 1), 0, Optimizer("lamb"), true);
  const std::vector<float> before = Ramp(grid.elements(), 0.5f);
  std::vector<float> gradients = Ramp(grid.elements(), 1), weights = before;
  const std::vector<float> average = Ramp(grid.elements(), 0.25f);
  state.StartEma(average.data());
  state.Update(Optimizer("lamb"), {0.01, 1, 1}, kDecay, 0.5, gradients.data(), weights.data());
  EXPECT_EQ(weights, before);
  EXPECT_EQ(state.ema()[5], average[5]);
  EXPECT_NEAR(gradients[5], (gradients[5] > 0 ? 1 : -1) + 0.1 * static_cast<double>(before[5]), 1e-4) << "Adam's first step, and the decay";
  state.ApplyDirection({2, 3, 4}, 0.5, gradients.data(), weights.data());
  EXPECT_FLOAT_EQ(weights[5], before[5] - 2 * gradients[5]);
  EXPECT_FLOAT_EQ(state.ema()[5], 0.5f * (average[5] + weights[5]));
  const plan::TensorPlace& last = grid.tensors()[2];
  EXPECT_FLOAT_EQ(weights[static_cast<size_t>(last.offset)],
                  before[static_cast<size_t>(last.offset)] - 4 * gradients[static_cast<size_t>(last.offset)]);
}

TEST(OwnedStateTest, SwappingTwiceGivesEveryBitBack) {
  const plan::Grid grid = SampleGrid();
  const plan::Shards parts(grid, 3);
  for (int w = 0; w < 3; ++w) {
    OwnedState state(grid, parts, w, Optimizer(), true);
    std::vector<float> weights = Ramp(grid.elements(), 0.5f), average = Ramp(grid.elements(), 0.25f);
    state.StartEma(average.data());
    const auto digests = state.Digests();
    state.SwapEma(weights.data());
    for (const OwnedBlock& b : state.blocks()) {
      for (int64_t i = 0; i < b.count; ++i) {
        const size_t place = static_cast<size_t>(b.offset + i);
        ASSERT_EQ(weights[place], average[place]);
        ASSERT_EQ(state.ema()[b.local + i], 2 * average[place]);
      }
    }
    state.SwapEma(weights.data());
    EXPECT_EQ(weights, Ramp(grid.elements(), 0.5f)) << "others' blocks were left alone";
    EXPECT_EQ(state.Digests(), digests);
  }
}

const std::vector<models::TensorSpec>& Norm() {
  using models::TensorRole;
  static const std::vector<models::TensorSpec> tensors = {{.name = "w", .shape = {9}},
                                                          {.name = "mean", .shape = {2}, .role = TensorRole::kRunningMean},
                                                          {.name = "var", .shape = {2}, .role = TensorRole::kRunningVar},
                                                          {.name = "count", .shape = {}, .role = TensorRole::kBatchesTracked}};
  return tensors;
}

// torch.nn.BatchNorm2d: running = 0.9 running + 0.1 batch.
TEST(BufferStateTest, RunningValuesMoveATenthTowardsTheMeanOverLanes) {
  BufferState state(Norm(), true);
  EXPECT_EQ(state.size(), 4);
  EXPECT_EQ(state.offset_of(0), -1);
  EXPECT_EQ(state.offset_of(1), 0);
  EXPECT_EQ(state.offset_of(2), 2);
  EXPECT_EQ(state.offset_of(3), -1);
  const float sums[] = {4, -8, 2, 6};
  state.Update(sums, 4, 0.5);
  const double expected[] = {0.1, -0.2, 0.9 + 0.05, 0.9 + 0.15};
  const double ema[] = {0.05, -0.1, 0.5 + 0.475, 0.5 + 0.525};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(state.values()[i], expected[i], 1e-6);
    EXPECT_NEAR(state.ema()[i], ema[i], 1e-6);
  }
  EXPECT_EQ(state.batches_tracked, 1);
}

TEST(BufferStateTest, WithoutEmaThereIsNone) {
  BufferState state(Norm(), false);
  EXPECT_EQ(state.ema(), nullptr);
  const float sums[] = {1, 1, 1, 1};
  state.Update(sums, 1, 0.5);
  EXPECT_EQ(state.batches_tracked, 1);
}

}  // namespace
}  // namespace deit::state
