#include "common/fit/memory_estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/spec/load.h"

namespace deit::fit {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kGiB = int64_t{1} << 30;

v1::JobSpec Job(std::vector<std::string> words) {
  words.insert(words.begin(), {"name=fit", "data.synthetic_images=100000"});
  auto job = spec::LoadSpec("", words);
  EXPECT_TRUE(job.ok()) << job.status();
  return *std::move(job);
}

v1::JobSpec Base384() { return Job({"model.name=deit_base_patch16_384", "train.batch_size=512", "train.lanes=8"}); }

machine::MemoryRoom Room(int64_t bytes) { return {bytes, "this machine"}; }

TEST(MemoryEstimateTest, EachPartFollowsItsCause) {
  const MemoryEstimate one = EstimateTraining(Base384(), 1, 1).value(), four = EstimateTraining(Base384(), 4, 4).value();
  EXPECT_EQ(four.program, 4 * one.program);
  EXPECT_EQ(four.weights, one.weights);
  EXPECT_EQ(one.slots, 3 * one.weights) << "8 lanes of one worker need three sums";
  EXPECT_EQ(four.slots, 4 * one.weights) << "two lanes of each need one";
  EXPECT_EQ(four.state, one.state) << "moments are dealt out";
  EXPECT_EQ(four.activations, 4 * one.activations);
  EXPECT_EQ(EstimateTraining(Base384(), 4, 2)->state, one.state / 2);
  EXPECT_EQ(one.teacher, 0);
}

TEST(MemoryEstimateTest, OptionsThatKeepMoreShow) {
  const MemoryEstimate plain = EstimateTraining(Base384(), 1, 1).value();
  v1::JobSpec job = Base384();
  job.mutable_ema()->set_decay(0.9);
  EXPECT_EQ(EstimateTraining(job, 1, 1)->state, plain.state * 3 / 2);
  job.mutable_optimizer()->set_opt("sgd");
  EXPECT_EQ(EstimateTraining(job, 1, 1)->state, plain.state);
  job.mutable_train()->set_precision(v1::BF16);
  EXPECT_EQ(EstimateTraining(job, 1, 1)->weights, plain.weights * 3 / 2);
  EXPECT_LT(EstimateTraining(job, 1, 1)->activations, plain.activations * 2 / 3);
  const v1::JobSpec taught = Job({"model.name=deit_tiny_distilled_patch16_224", "teacher.model.name=regnety_160",
                                  "teacher.weights=x.safetensors", "distillation.type=HARD"});
  EXPECT_GT(EstimateTraining(taught, 1, 1)->teacher, 83 * 4 * 1000000);
}

TEST(MemoryEstimateTest, TheDescriptionBeginsWithTheLargestPart) {
  EXPECT_THAT(Describe(EstimateTraining(Base384(), 1, 1).value()), ::testing::MatchesRegex("[0-9.]+GiB .activations [0-9.]+GiB, .*"));
}

TEST(MemoryEstimateTest, WhatFitsIsNoWarning) { EXPECT_EQ(MemoryWarning(Base384(), 1, 1, Room(100 * kGiB)).value(), ""); }

TEST(MemoryEstimateTest, AWarningNamesWhatWouldFit) {
  const std::string lanes = MemoryWarning(Base384(), 1, 1, Room(12 * kGiB)).value();
  EXPECT_THAT(lanes, HasSubstr("memory: 1 worker needs about "));
  EXPECT_THAT(lanes, HasSubstr(": this machine has 12.0GiB left: train.lanes="));
  v1::JobSpec job = Base384();
  job.mutable_train()->set_lanes(512);
  const int64_t one = EstimateTraining(job, 1, 1)->total();
  EXPECT_THAT(MemoryWarning(job, 8, 8, Room(one)).value(), HasSubstr(": 1 worker would fit"));
  EXPECT_THAT(MemoryWarning(job, 8, 8, Room(kGiB)).value(), HasSubstr("neither more lanes nor fewer workers would fit"));
}

// The lanes that are named do fit, and half of them would not.
TEST(MemoryEstimateTest, TheLanesThatAreNamedAreTheFewestThatFit) {
  const std::string text = MemoryWarning(Base384(), 1, 1, Room(12 * kGiB)).value();
  v1::JobSpec job = Base384();
  const auto total = [&job](int lanes) {
    job.mutable_train()->set_lanes(lanes);
    return EstimateTraining(job, 1, 1)->total();
  };
  int lanes = 8;
  while (total(lanes) > 12 * kGiB) lanes *= 2;
  EXPECT_THAT(text, HasSubstr("train.lanes=" + std::to_string(lanes) + " would fit"));
}

}  // namespace
}  // namespace deit::fit
