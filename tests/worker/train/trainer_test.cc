#include "worker/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "common/base/exit_code.h"
#include "common/plan/schedule.h"
#include "tests/support/rank_harness.h"
#include "tests/worker/train/small_job.h"

namespace deit::train {
namespace {

using collective::Communicator;
using collective::LocalOptions;

constexpr uint64_t kSteps = 5;

LocalOptions Hosts(std::vector<std::string> hosts) {
  LocalOptions options;
  options.hosts = std::move(hosts);
  return options;
}

LocalOptions WithoutSharedMemory() {
  LocalOptions options;
  options.shared_memory_room = 1000;
  return options;
}

void ExpectSame(const Outcome& a, const Outcome& b, const std::string& where) {
  EXPECT_EQ(a.weights, b.weights) << where;
  EXPECT_EQ(a.state, b.state) << where;
  EXPECT_EQ(a.gradient_norm, b.gradient_norm) << where;
  EXPECT_EQ(a.ledger, b.ledger) << where;
}

class SameBitsTest : public ::testing::TestWithParam<v1::Precision> {};

TEST_P(SameBitsTest, ForEveryNumberOfWorkersAndEveryGroupingIntoNodes) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_train()->set_precision(GetParam());
  const Outcome one = Train(1, kSteps, spec);
  EXPECT_GT(one.gradient_norm, spec.optimizer().clip_grad()) << "clipping is at work";
  for (int workers : {2, 3, 5, 8}) ExpectSame(Train(workers, kSteps, spec), one, absl::StrCat(workers, " workers"));
  ExpectSame(Train(3, kSteps, spec, {}, WithoutSharedMemory()), one, "messages");
  ExpectSame(Train(3, kSteps, spec, {}, Hosts({"a", "b", "a"})), one, "two nodes by turns");
  ExpectSame(Train(5, kSteps, spec, {}, Hosts({"a", "a", "b", "b", "c"})), one, "three nodes");
}

INSTANTIATE_TEST_SUITE_P(Precision, SameBitsTest, ::testing::Values(v1::FP32, v1::BF16));

TEST(TrainerTest, SixteenLanesGiveTheSameBitsToo) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_train()->set_lanes(16);
  spec.mutable_train()->set_batch_size(48);
  const WorkerOptions tiny{.engine = {.tensors = TinyTensors()}};
  const Outcome one = Train(1, kSteps, spec, tiny);
  for (int workers : {3, 4, 16}) ExpectSame(Train(workers, kSteps, spec, tiny), one, absl::StrCat(workers, " workers"));
}

TEST(TrainerTest, EveryOptimizerGivesTheSameBitsInAnyWorld) {
  std::vector<uint64_t> digests;
  for (const char* opt : {"adamw", "lamb", "sgd", "momentum"}) {
    v1::JobSpec spec = SmallSpec();
    spec.mutable_optimizer()->set_opt(opt);
    const Outcome one = Train(1, kSteps, spec);
    for (int workers : {2, 3, 8}) ExpectSame(Train(workers, kSteps, spec), one, absl::StrCat(opt, ", ", workers, " workers"));
    ExpectSame(Train(3, kSteps, spec, {}, Hosts({"a", "b", "a"})), one, absl::StrCat(opt, ", two nodes"));
    digests.push_back(one.weights);
  }
  EXPECT_EQ(std::set<uint64_t>(digests.begin(), digests.end()).size(), 4u);
}

// LAMB's property: a tensor that decays moves by the learning rate's share of its own norm, however many blocks it has.
TEST(TrainerTest, LambMovesAWholeTensorByItsNorm) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_optimizer()->set_opt("lamb");
  spec.mutable_schedule()->set_warmup_epochs(0);
  testing::RunOnThreads(3, [&](Communicator& world) {
    SmallWorker worker(world, spec, {});
    worker.Initialise();
    const state::JobState& state = worker.training_state().state();
    const float* const weights = state.worker_group->memory().weights();
    const std::vector<float> before(weights, weights + state.grid->elements());
    const auto step = worker.Step();
    ASSERT_TRUE(step.ok()) << step.status();
    size_t parameter = 0, blocks = 0;
    for (const models::TensorSpec& tensor : *state.tensors) {
      if (tensor.role != models::TensorRole::kParameter) continue;
      const plan::TensorPlace& place = state.grid->tensors()[parameter];
      blocks = std::max(blocks, static_cast<size_t>(state.grid->BlocksOfTensor(static_cast<int>(parameter++)).size()));
      double moved = 0, norm = 0;
      for (int64_t i = place.offset; i < place.offset + place.count; ++i) {
        const double was = static_cast<double>(before[static_cast<size_t>(i)]);
        moved += std::pow(static_cast<double>(weights[i]) - was, 2);
        norm += was * was;
      }
      if (!tensor.decay || norm == 0) continue;
      EXPECT_NEAR(std::sqrt(moved / norm), step->learning_rate, 1e-3 * step->learning_rate) << place.name;
    }
    EXPECT_GT(blocks, 1u);
  });
}

TEST(TrainerTest, TheDigestShowsAnotherSeedAndAnotherOrderOfOneLane) {
  const Outcome one = Train(1, 1, SmallSpec());
  v1::JobSpec other_seed = SmallSpec();
  other_seed.mutable_train()->set_seed(6);
  EXPECT_NE(Train(1, 1, other_seed).weights, one.weights);
  WorkerOptions backwards;
  backwards.engine.backwards_lane = 6;
  const Outcome tampered = Train(3, 1, SmallSpec(), backwards);
  EXPECT_NE(tampered.weights, one.weights);
  EXPECT_NE(tampered.state, one.state);
  EXPECT_EQ(tampered.ledger, one.ledger) << "the same views, only added in another order";
}

// FASTEST adds a worker's lanes one after another: close, not equal.
TEST(TrainerTest, TheLibrarysReductionTrainsAlikeButForTheLastBits) {
  v1::JobSpec spec = SmallSpec();
  const Outcome exact = Train(1, 1, spec);
  spec.mutable_train()->set_reduction(v1::TrainSpec::FASTEST);
  for (int workers : {1, 3}) {
    const Outcome fastest = Train(workers, 1, spec);
    EXPECT_NE(fastest.weights, exact.weights);
    EXPECT_NEAR(fastest.gradient_norm, exact.gradient_norm, 1e-5 * exact.gradient_norm);
    EXPECT_EQ(fastest.ledger, exact.ledger);
  }
}

TEST(TrainerTest, EachLaneIsComputedByExactlyOneWorker) {
  std::vector<std::pair<uint64_t, int>> each;
  for (uint64_t step = 0; step < kSteps; ++step) {
    for (int lane = 0; lane < 8; ++lane) each.emplace_back(step, lane);
  }
  const WorkerOptions tiny{.engine = {.tensors = TinyTensors()}};
  for (int workers : {1, 2, 3, 5, 8}) {
    const Outcome outcome = Train(workers, kSteps, SmallSpec(), tiny);
    EXPECT_EQ(outcome.computed, each) << workers;
    for (int w = 0; w < workers; ++w) {
      EXPECT_EQ(outcome.lanes[static_cast<size_t>(w)], static_cast<int64_t>(kSteps) * plan::LanesOfWorker(w, workers, 8).size());
    }
  }
}

TEST(TrainerTest, OptimizerStateIsSharedOutUpToOneBlock) {
  const int64_t all = 12 * models::ParameterCount(LargeTensors());
  for (int workers : {1, 2, 3, 5, 8}) {
    const std::vector<int64_t> bytes = Train(workers, 1, SmallSpec()).optimizer_bytes;
    EXPECT_EQ(std::accumulate(bytes.begin(), bytes.end(), int64_t{0}), all);
    EXPECT_LE(*std::max_element(bytes.begin(), bytes.end()), all / workers + 12 * plan::kBlockElements) << workers;
  }
}

TEST(TrainerTest, SendsThePlansBytesInEachStep) {
  for (const LocalOptions& local : {Hosts({"a", "a", "a"}), Hosts({"a", "b", "a"}), Hosts({"a", "b", "c"})}) {
    testing::RunOnThreads(
        3,
        [](Communicator& world) {
          SmallWorker worker(world, SmallSpec(), {});
          worker.Initialise();
          worker.Steps(kSteps);
          exchange::WorkerGroup& worker_group = worker.training_state().worker_group();
          EXPECT_EQ(worker.trainer().bytes_sent() - worker_group.gather().bytes_sent(),
                    static_cast<int64_t>(kSteps) *
                        (worker_group.plan().GradientBytes(world.rank()) + worker_group.plan().WeightBytes(world.rank())));
        },
        local);
  }
}

TEST(TrainerTest, AStopRequestOfOneIsHeardByAll) {
  testing::RunOnThreads(3, [](Communicator& world) {
    SmallWorker worker(world, SmallSpec(), {.engine = {.tensors = TinyTensors()}});
    worker.Initialise();
    for (uint64_t step = 0; step < 3; ++step) {
      const auto result = worker.Step(step == 1 && world.rank() == 2 ? StepEnd::kStopAfter : StepEnd::kGoOn);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->decision.stop, step == 1);
    }
  });
}

TEST(TrainerTest, AWorkerThatDoesNotComeToAStepIsNamed) {
  std::atomic<bool> over = false;
  testing::RunOnThreads(2, [&](Communicator& world) {
    SmallWorker worker(world, SmallSpec(), {.engine = {.tensors = TinyTensors()}});
    worker.Initialise();
    worker.Steps(2);
    if (world.rank() == 1) {
      while (!over) absl::SleepFor(absl::Milliseconds(1));
      return;
    }
    worker.training_state().worker_group().context().deadline.limit = absl::Milliseconds(150);
    const Status status = worker.Step().status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kPeerLost);
    EXPECT_EQ(status.message(),
              "worker 1 did not finish gradient bucket 0 of step 2: no progress for 150ms (last reported: step 1, phase gather)");
    over = true;
  });
}

// Everything that a step which does not count must leave alone.
struct State {
  uint64_t weights, state;
  std::vector<uint64_t> moments;
  std::vector<float> buffers, buffer_averages;
  int64_t updates, batches;
  bool operator==(const State&) const = default;
};

State StateOf(SmallWorker& worker) {
  state::BufferState& buffers = *worker.training_state().state().buffers;
  return {worker.weights(),
          worker.state(),
          worker.training_state().state().owned->Digests(),
          {buffers.values(), buffers.values() + buffers.size()},
          {buffers.ema(), buffers.ema() + buffers.size()},
          worker.trainer().updates_done(),
          buffers.batches_tracked};
}

class SkippedStepTest : public ::testing::TestWithParam<Fault> {};

TEST_P(SkippedStepTest, ChangesNothingAndTrainingGoesOn) {
  WorkerOptions options;
  options.engine.tensors = TinyTensors();
  options.engine.fault = GetParam();
  options.engine.fault_step = 2;
  std::vector<uint64_t> digests;
  for (int workers : {1, 3, 8}) {
    testing::RunOnThreads(workers, [&](Communicator& world) {
      SmallWorker worker(world, SmallSpec(), options);
      worker.Initialise();
      worker.Steps(2);
      const State before = StateOf(worker);
      const auto skipped = worker.Step();
      ASSERT_TRUE(skipped.ok()) << skipped.status();
      EXPECT_FALSE(skipped->decision.finite || skipped->decision.update);
      EXPECT_EQ(skipped->decision.first_bad_lane, GetParam() == Fault::kLoss ? 5 : -1);
      EXPECT_TRUE(StateOf(worker) == before);
      EXPECT_EQ(worker.trainer().updates_done(), 2);
      const auto next = worker.Step();
      ASSERT_TRUE(next.ok()) << next.status();
      EXPECT_TRUE(next->decision.update);
      EXPECT_EQ(next->learning_rate, plan::LearningRate(SmallSpec(), worker.sampler(), 3)) << "the schedule goes on";
      EXPECT_EQ(worker.trainer().updates_done(), 3);
      EXPECT_NE(worker.weights(), before.weights);
      const uint64_t digest = worker.state();
      if (world.rank() == 0) digests.push_back(digest);
      uint64_t views = 0;
      for (const auto& entry : worker.trainer().ledger().Entries()) views += entry.count;
      EXPECT_EQ(views, 4u * 3u * static_cast<uint64_t>(plan::LanesOfWorker(world.rank(), workers, 8).size())) << "its views are used up";
    });
  }
  EXPECT_EQ(digests, std::vector<uint64_t>(3, digests[0]));
}

class GivenUpStepTest : public ::testing::TestWithParam<std::vector<std::string>> {};

// Worker 1 gives step 2 up before its first lane, in the middle of one, or when it waits for the others; they hear it wherever they are.
TEST_P(GivenUpStepTest, IsGivenUpByAllAndChangesNothing) {
  for (const int asked_before : {0, 1, 5}) {
    for (const auto reduction : {v1::TrainSpec::EXACT, v1::TrainSpec::FASTEST}) {
      v1::JobSpec spec = SmallSpec();
      spec.mutable_train()->set_reduction(reduction);
      const int workers = static_cast<int>(GetParam().size());
      testing::RunOnThreads(
          workers,
          [&](Communicator& world) {
            WorkerOptions options{.engine = {.tensors = TinyTensors()}};
            options.engine.backward = absl::Milliseconds(world.rank() == 0 ? 60 : 25);
            SmallWorker worker(world, spec, options);
            worker.Initialise();
            worker.Steps(2);
            const State before = StateOf(worker);
            const plan::Ledger ledger = worker.trainer().ledger();
            int asked = 0;
            const auto given_up =
                worker.Step([&] { return world.rank() == 1 && asked++ >= asked_before ? StepEnd::kGivenUp : StepEnd::kGoOn; });
            ASSERT_TRUE(given_up.ok()) << given_up.status();
            EXPECT_TRUE(given_up->decision.given_up);
            EXPECT_TRUE(StateOf(worker) == before);
            EXPECT_EQ(worker.trainer().ledger(), ledger) << "its views do not count";
          },
          Hosts(GetParam()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, GivenUpStepTest,
                         ::testing::Values(std::vector<std::string>{"a", "a", "a"}, std::vector<std::string>{"a", "b", "a"},
                                           std::vector<std::string>{"a", "a", "b", "b"}));

// What is computed is not thrown away.
TEST(TrainerTest, AWishToGiveUpThatComesAfterTheLanesIsAStop) {
  testing::RunOnThreads(1, [](Communicator& world) {
    SmallWorker worker(world, SmallSpec(), {.engine = {.tensors = TinyTensors()}});
    worker.Initialise();
    const auto result = worker.Step([&] { return worker.trainer().lanes_computed() == 8 ? StepEnd::kGivenUp : StepEnd::kGoOn; });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->decision.stop && result->decision.update && !result->decision.given_up);
  });
}

INSTANTIATE_TEST_SUITE_P(Faults, SkippedStepTest, ::testing::Values(Fault::kLoss, Fault::kGradient));

// Weights, buffers and the statistics of a plain loop over lanes: one step without clipping, decay or warm-up.
TEST(TrainerTest, AStepIsAdamWOnTheMeanOverLanes) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_optimizer()->set_clip_grad(0);
  spec.mutable_optimizer()->set_weight_decay(0);
  spec.mutable_schedule()->set_warmup_epochs(0);
  testing::RunOnThreads(2, [&](Communicator& world) {
    SmallWorker worker(world, spec, {.engine = {.tensors = TinyTensors()}});
    worker.Initialise();
    const float* weights = worker.training_state().worker_group().memory().weights();
    const std::vector<float> before(weights, weights + 15);
    state::OwnedState& owned = *worker.training_state().state().owned;
    for (const state::OwnedBlock& b : owned.blocks()) {
      for (int64_t i = 0; i < b.count; ++i)
        ASSERT_EQ(owned.ema()[b.local + i], weights[b.offset + i]) << "the average starts as the weights";
    }
    worker.Steps(1);
    // Adam's first step moves every element by the learning rate, against its gradient's sign.
    for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(std::abs(weights[i] - before[i]), 0.01, 1e-5) << i;
    EXPECT_EQ(worker.training_state().state().buffers->batches_tracked, 1);
  });
}

}  // namespace
}  // namespace deit::train
