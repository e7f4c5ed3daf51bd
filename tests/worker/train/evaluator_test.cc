#include "worker/train/evaluator.h"

#include <gtest/gtest.h>

#include "tests/support/rank_harness.h"
#include "tests/worker/train/small_job.h"
#include "worker/update/block_math.h"

namespace deit::train {
namespace {

WorkerOptions TinyOptions(int64_t images) {
  WorkerOptions options;
  options.images = static_cast<uint64_t>(images);
  options.engine.tensors = TinyTensors();
  return options;
}

TEST(EvaluatorTest, CountsEachImageOnceWithEqualSumsForEveryWorld) {
  for (int64_t images : {1, 6, 7, 50}) {
    EvaluationCounts one;
    for (int workers : {1, 2, 3, 5, 8}) {
      testing::RunOnThreads(workers, [&](collective::Communicator& world) {
        SmallWorker worker(world, SmallSpec(), TinyOptions(images));
        worker.Initialise();
        worker.Steps(1);
        FormulaViews views;
        data::EvaluationChunks chunks(views, images, 7, 1);
        for (int round = 0; round < 2; ++round) {
          const auto counts = Evaluate(chunks, worker.engine(), worker.training_state().worker_group());
          ASSERT_TRUE(counts.ok()) << counts.status();
          EXPECT_EQ(counts->images, images);
          EXPECT_EQ(counts->correct_fused, images < 8 ? 0 : images / 10) << "labels are image mod 10, and 7 is right";
          if (workers == 1) one = *counts;
          EXPECT_EQ(counts->loss, one.loss) << images << " images, " << workers << " workers";
          EXPECT_EQ(counts->correct_head, one.correct_head);
          EXPECT_EQ(counts->correct_dist, one.correct_dist);
          EXPECT_EQ(counts->correct5_fused, one.correct5_fused);
          EXPECT_LT(counts->correct_dist, counts->correct_head + 1);
        }
      });
    }
    EXPECT_NE(one.loss, 0);
  }
}

// The same as evaluating a job whose weights are those averages, and nothing of the job has changed after it.
TEST(EvaluatorTest, TheAveragedWeightsAreEvaluatedInTheWeightsPlace) {
  for (const v1::Precision precision : {v1::FP32, v1::BF16}) {
    v1::JobSpec spec = SmallSpec();
    spec.mutable_train()->set_precision(precision);
    double of_one = 0;
    for (int workers : {1, 2, 3, 8}) {
      testing::RunOnThreads(workers, [&](collective::Communicator& world) {
        SmallWorker worker(world, spec, TinyOptions(50));
        worker.Initialise();
        worker.Steps(3);
        const state::JobState& state = worker.training_state().state();
        const uint64_t weights = worker.weights(), digest = worker.state();
        FormulaViews views;
        data::EvaluationChunks chunks(views, 50, 7, 1);
        const auto plain = Evaluate(chunks, worker.engine(), worker.training_state().worker_group());
        const auto averages = EvaluateAverages(chunks, worker.engine(), state);
        ASSERT_TRUE(plain.ok() && averages.ok()) << averages.status();
        if (workers == 1) of_one = averages->loss;
        EXPECT_EQ(averages->loss, of_one) << workers;
        EXPECT_NE(averages->loss, plain->loss);
        EXPECT_EQ(worker.weights(), weights);
        EXPECT_EQ(worker.state(), digest);
        EXPECT_EQ(Evaluate(chunks, worker.engine(), worker.training_state().worker_group())->loss, plain->loss);

        ASSERT_TRUE(state::SwapAverages(state).ok());
        EXPECT_NE(worker.weights(), weights);
        exchange::NodeBuffers& memory = worker.training_state().worker_group().memory();
        if (precision == v1::BF16) {
          std::vector<update::BFloat16Bits> cast(static_cast<size_t>(state.grid->elements()));
          update::CastToBFloat16(memory.weights(), cast.data(), state.grid->elements());
          EXPECT_EQ(cast, std::vector<update::BFloat16Bits>(memory.compute_weights(), memory.compute_weights() + cast.size()));
        }
        EXPECT_EQ(Evaluate(chunks, worker.engine(), worker.training_state().worker_group())->loss, of_one);
        ASSERT_TRUE(state::SwapAverages(state).ok());
        worker.Steps(1);
      });
    }
  }
}

TEST(EvaluatorTest, ReportsEachImageOnceWithEqualSumsForEveryWorld) {
  for (int64_t images : {1, 7, 50}) {
    std::vector<int64_t> one;
    for (int workers : {1, 2, 3, 8}) {
      testing::RunOnThreads(workers, [&](collective::Communicator& world) {
        SmallWorker worker(world, SmallSpec(), TinyOptions(images));
        worker.Initialise();
        FormulaViews views;
        data::EvaluationChunks chunks(views, images, 7, 1);
        for (int round = 0; round < 2; ++round) {
          auto report = Report(chunks, worker.engine(), worker.training_state().worker_group());
          ASSERT_TRUE(report.ok()) << report.status();
          EXPECT_EQ(report->images(), images);
          EXPECT_DOUBLE_EQ(report->Accuracy(0), Percent((images + 9) / 10, images))
              << "labels are image mod 10, and the first voice says 0";
          if (workers == 1) one = report->sums();
          EXPECT_EQ(report->sums(), one) << images << " images, " << workers << " workers";
          EXPECT_NE(report->Cosine(report->layers() - 1), 0);
        }
      });
    }
  }
}

TEST(EvaluatorTest, NeitherLanesNorOptimizerMemoryAreNeeded) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_train()->set_lanes(1);
  double of_one = 0;
  for (int workers : {1, 3, 5}) {
    testing::RunOnThreads(workers, [&](collective::Communicator& world) {
      EngineOptions options;
      options.tensors = TinyTensors();
      FormulaEngine engine(options);
      const auto formed = TrainingState::Form(world, spec, 50, engine, 256, Purpose::kEvaluation);
      ASSERT_TRUE(formed.ok()) << formed.status();
      const state::JobState& state = (*formed)->state();
      EXPECT_EQ(state.owned->bytes(), 0);
      EXPECT_EQ(state.buffers->ema(), nullptr);
      for (const int slots : state.worker_group->memory().layout().slots) EXPECT_EQ(slots, 0);
      ASSERT_TRUE(state::InitialiseWeights(state, 1).ok());
      FormulaViews views;
      data::EvaluationChunks chunks(views, 50, 7, 1);
      const auto counts = Evaluate(chunks, engine, *state.worker_group);
      ASSERT_TRUE(counts.ok()) << counts.status();
      if (workers == 1) of_one = counts->loss;
      EXPECT_EQ(counts->loss, of_one) << workers;
    });
  }
  EXPECT_NE(of_one, 0);
}

TEST(EvaluatorTest, PercentOfNothingIsNothing) {
  EXPECT_EQ(Percent(0, 0), 0);
  EXPECT_DOUBLE_EQ(Percent(1, 8), 12.5);
}

}  // namespace
}  // namespace deit::train
