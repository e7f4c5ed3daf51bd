#include "common/plan/job_sampler.h"

#include <gtest/gtest.h>

namespace deit::plan {
namespace {

TEST(JobSamplerTest, TakesItsOptionsFromTheSpec) {
  v1::JobSpec spec;
  spec.mutable_train()->set_batch_size(48);
  spec.mutable_train()->set_seed(5);
  spec.mutable_train()->set_drop_last(true);
  spec.mutable_augment()->set_repeated_aug(3);
  const StatusOr<Sampler> stream = SamplerOf(spec, 100);
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->options().images, 100U);
  EXPECT_EQ(stream->options().batch_size, 48U);
  EXPECT_EQ(stream->options().repeated_aug, 3U);
  EXPECT_TRUE(stream->options().drop_last);
  EXPECT_EQ(stream->options().seed, 5U);
  EXPECT_EQ(stream->positions_per_epoch(), 96U);
}

TEST(JobSamplerTest, SpreadsRepeatsByAMicroBatchWhereTheJobSaysSo) {
  v1::JobSpec spec;
  spec.mutable_train()->set_batch_size(48);
  spec.mutable_train()->set_lanes(4);
  spec.mutable_augment()->set_repeated_aug(3);
  EXPECT_EQ(SamplerOf(spec, 100)->options().repeat_distance, 0U);
  spec.mutable_augment()->set_spread_repeats(true);
  EXPECT_EQ(SamplerOf(spec, 100)->options().repeat_distance, 12U);
}

TEST(JobSamplerTest, ShowsImagesWithoutLabelsOnlyToAStudentWithATeacher) {
  v1::JobSpec spec;
  spec.mutable_data()->set_labelled(10);
  EXPECT_EQ(SamplerOf(spec, 100)->options().labelled, 10U);
  EXPECT_TRUE(SamplerOf(spec, 100)->options().labelled_only);
  for (const auto type : {v1::DistillationSpec::HARD, v1::DistillationSpec::SOFT}) {
    spec.mutable_distillation()->set_type(type);
    EXPECT_EQ(SamplerOf(spec, 100)->options().labelled, 10U);
    EXPECT_FALSE(SamplerOf(spec, 100)->options().labelled_only);
  }
}

TEST(JobSamplerTest, KeysTheDataByItsOwnSeedWhereOneIsSet) {
  v1::JobSpec spec;
  spec.mutable_train()->set_seed(5);
  EXPECT_EQ(DataSeed(spec), 5U);
  spec.mutable_data()->set_seed(0);
  EXPECT_EQ(DataSeed(spec), 0U);
}

TEST(JobSamplerTest, PassesOnWhatTheStreamRefuses) {
  v1::JobSpec spec;
  spec.mutable_train()->set_drop_last(true);
  EXPECT_TRUE(absl::IsInvalidArgument(SamplerOf(spec, 1023).status()));
}

}  // namespace
}  // namespace deit::plan
