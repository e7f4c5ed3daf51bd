#include "common/spec/warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/spec/load.h"

namespace deit::spec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

std::vector<std::string> WarningsOf(Words words) {
  words.insert(words.begin(), "model.name=deit");
  const auto spec = ParseSpec("", "", words);
  EXPECT_TRUE(spec.ok()) << spec.status();
  return Warnings(*spec);
}

TEST(WarningsTest, AUsualJobHasNone) {
  EXPECT_THAT(WarningsOf({}), IsEmpty());
  EXPECT_THAT(
      WarningsOf({"augment.reprob=0.25", "augment.recount=3", "augment.mixup=0.8", "augment.cutmix=1", "augment.cutmix_minmax=0.2,0.8"}),
      IsEmpty());
}

TEST(WarningsTest, RatesAboveTheirBaseAreSaid) {
  EXPECT_THAT(WarningsOf({"optimizer.lr=1e-4", "train.batch_size=1024", "schedule.warmup_lr=10", "schedule.min_lr=1"}),
              ElementsAre("schedule.warmup_lr: 10: above the rate 2e-04 of optimizer.lr, to which it should rise",
                          "schedule.min_lr: 1: above the rate 2e-04 of optimizer.lr, from which it should fall"));
  EXPECT_THAT(WarningsOf({"optimizer.lr=1e-4", "optimizer.scale_lr=false", "schedule.min_lr=1e-4", "schedule.warmup_lr=1",
                          "schedule.warmup_epochs=0"}),
              IsEmpty());
}

TEST(WarningsTest, WhatSaysNothingIsSaid) {
  EXPECT_THAT(
      WarningsOf({"distillation.alpha=0.9", "distillation.tau=3"}),
      ElementsAre("distillation.alpha: 0.9: says nothing without a teacher", "distillation.tau: 3: says nothing without a teacher"));
  EXPECT_THAT(WarningsOf({"augment.recount=2"}), ElementsAre("augment.reprob: 0: nothing is erased, whatever recount and remode say"));
  EXPECT_THAT(WarningsOf({"augment.remode=CONST"}), ElementsAre("augment.reprob: 0: nothing is erased, whatever recount and remode say"));
  EXPECT_THAT(WarningsOf({"augment.mixup=0.8", "augment.mixup_prob=0"}),
              ElementsAre("augment.mixup_prob: 0: nothing is mixed, whatever mixup and cutmix say"));
  EXPECT_THAT(WarningsOf({"augment.cutmix_minmax=0,0"}), ElementsAre("augment.cutmix_minmax: 0, 0: boxes without an area mix nothing"));
  EXPECT_THAT(WarningsOf({"augment.spread_repeats=true"}),
              ElementsAre("augment.spread_repeats: true: nothing is repeated, as augment.repeated_aug is 1"));
}

TEST(WarningsTest, DeviationsOfOtherPixelsAreSaid) {
  EXPECT_THAT(WarningsOf({"data.std=1"}), IsEmpty());
  EXPECT_THAT(WarningsOf({"data.std=58.4,57.1,57.4"}),
              ElementsAre("data.std: 58.4: no deviation of pixels, which are 0 to 1: is it of pixels that are 0 to 255?"));
}

}  // namespace
}  // namespace deit::spec
