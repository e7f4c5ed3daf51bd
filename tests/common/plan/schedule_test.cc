#include "common/plan/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "common/plan/job_sampler.h"

namespace deit::plan {
namespace {

// 100 steps an epoch; the rest is DeiT's recipe, its defaults.
struct Job {
  v1::JobSpec spec;
  Sampler sampler = SamplerOf(spec, 102400).value();
};

TEST(LearningRateTest, FollowsDeitsRecipeAtWholeEpochs) {
  const Job job;
  for (int epoch = 0; epoch <= 300; ++epoch) {
    const double cosine = 1e-5 + 0.5 * (1e-3 - 1e-5) * (1 + std::cos(std::numbers::pi * epoch / 300));
    const double expected = epoch < 5 ? 1e-6 + epoch * (1e-3 - 1e-6) / 5 : cosine;
    EXPECT_DOUBLE_EQ(LearningRate(job.spec, job.sampler, static_cast<uint64_t>(epoch) * 100), expected) << epoch;
  }
}

TEST(LearningRateTest, MovesWithEveryStep) {
  const Job job;
  EXPECT_EQ(LearningRate(job.spec, job.sampler, 0), 1e-6);
  EXPECT_DOUBLE_EQ(LearningRate(job.spec, job.sampler, 50), 1e-6 + 0.5 * (1e-3 - 1e-6) / 5);
  EXPECT_LT(LearningRate(job.spec, job.sampler, 499), LearningRate(job.spec, job.sampler, 500));
  EXPECT_GT(LearningRate(job.spec, job.sampler, 500), LearningRate(job.spec, job.sampler, 501));
}

// timm's CosineLRScheduler under facebookresearch/deit main.py, which steps it after each epoch with that epoch's number.
TEST(LearningRateTest, ByEpochsIsDeitsCodeWithItsShift) {
  Job job;
  job.spec.mutable_schedule()->set_sched_on_updates(false);
  const std::pair<int, double> epochs[] = {{0, 1e-6},          {1, 1e-6},          {2, 2.008e-4},      {3, 4.006e-4},
                                           {4, 6.004e-4},      {5, 8.002e-4},      {6, 9.993216e-4},   {7, 9.990232e-4},
                                           {100, 7.569755e-4}, {150, 5.101835e-4}, {200, 2.620026e-4}, {299, 1.010856e-5}};
  for (const auto& [epoch, expected] : epochs) {
    const auto first = static_cast<uint64_t>(epoch) * 100;
    EXPECT_NEAR(LearningRate(job.spec, job.sampler, first), expected, 5e-7 * expected) << epoch;
    EXPECT_EQ(LearningRate(job.spec, job.sampler, first + 99), LearningRate(job.spec, job.sampler, first)) << epoch;
  }
  job.spec.mutable_schedule()->set_warmup_epochs(0);
  EXPECT_DOUBLE_EQ(LearningRate(job.spec, job.sampler, 0), 1e-3);
}

TEST(LearningRateTest, StaysAtTheFloorAfterTheLastEpoch) {
  const Job job;
  EXPECT_DOUBLE_EQ(LearningRate(job.spec, job.sampler, 30000), 1e-5);
  EXPECT_DOUBLE_EQ(LearningRate(job.spec, job.sampler, 60000), 1e-5);
}

TEST(LearningRateTest, IsScaledByTheBatchOnlyWhereAsked) {
  Job job;
  job.spec.mutable_schedule()->set_warmup_epochs(0);
  EXPECT_DOUBLE_EQ(LearningRate(job.spec, job.sampler, 0), 1e-3);
  job.spec.mutable_optimizer()->set_scale_lr(false);
  EXPECT_DOUBLE_EQ(LearningRate(job.spec, job.sampler, 0), 5e-4);
}

TEST(LearningRateTest, IsNotChangedByMaxSteps) {
  Job job;
  const double before = LearningRate(job.spec, job.sampler, 777);
  job.spec.mutable_train()->set_max_steps(800);
  EXPECT_EQ(LearningRate(job.spec, job.sampler, 777), before);
}

TEST(LearningRateTest, MeasuresTimeInTheSamplersEpochs) {
  Job job;
  job.spec.mutable_train()->set_drop_last(true);
  const Sampler sampler = SamplerOf(job.spec, 102400 + 1023).value();
  EXPECT_EQ(LearningRate(job.spec, sampler, 12345), LearningRate(job.spec, job.sampler, 12345));
}

}  // namespace
}  // namespace deit::plan
