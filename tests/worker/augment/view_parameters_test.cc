#include "worker/augment/view_parameters.h"

#include <gtest/gtest.h>

namespace deit::augment {
namespace {

v1::JobSpec Spec() {
  v1::JobSpec spec;
  spec.mutable_data()->set_format(v1::DataSpec::IMAGE_FOLDER);
  spec.mutable_data()->set_seed(7);
  for (const float mean : {0.485f, 0.456f, 0.406f}) spec.mutable_data()->add_mean(mean);
  spec.mutable_model()->set_img_size(224);
  spec.mutable_augment()->set_crop(v1::AugmentSpec::RESIZED);
  spec.mutable_augment()->set_aa("rand-m9-mstd0.5-inc1");
  spec.mutable_augment()->set_reprob(0.25);
  return spec;
}

ViewParameters Drawn(const v1::JobSpec& spec, uint64_t position) {
  ViewParameters parameters;
  ViewPolicy::ForTraining(spec)->Draw(position, 500, 375, &parameters);
  return parameters;
}

TEST(ViewPolicyTest, KeysEveryDrawByDataSeedAndPosition) {
  v1::JobSpec spec = Spec();
  const ViewParameters here = Drawn(spec, 5);
  spec.mutable_train()->set_seed(99);
  for (const uint64_t position : {uint64_t{5}, uint64_t{6}}) {
    const ViewParameters other = Drawn(spec, position);
    EXPECT_EQ(other.framing == here.framing, position == 5);
    EXPECT_EQ(other.operations == here.operations, position == 5);
  }
}

TEST(ViewPolicyTest, AnOptionLeavesTheOtherDrawsAlone) {
  v1::JobSpec spec = Spec();
  const ViewParameters with = Drawn(spec, 12);
  spec.mutable_augment()->clear_aa();
  const ViewParameters without = Drawn(spec, 12);
  EXPECT_EQ(with.framing, without.framing);
  EXPECT_EQ(with.erasures, without.erasures);
}

TEST(ViewPolicyTest, FillsWithTheMean) {  // deit-facts 3f
  EXPECT_EQ(ViewPolicy::ForTraining(Spec())->fill(), (pixels::Colour{124, 116, 104}));
}

TEST(ViewPolicyTest, JitterIsDroppedBesideAaAsTimmDoes) {
  v1::JobSpec spec = Spec();
  spec.mutable_augment()->set_color_jitter(0.3);
  const auto operations = [&spec](const char* aa) {
    spec.mutable_augment()->set_aa(aa);
    return Drawn(spec, 1).operations.size();
  };
  EXPECT_EQ(operations("rand-p0"), 0u);
  EXPECT_EQ(operations("rand-p0-t3a"), 3u);
  EXPECT_EQ(operations("rand-p0-t3aw"), 3u);
  EXPECT_EQ(operations(""), 3u);
}

TEST(ViewPolicyTest, RandomInterpolationDrawsBoth) {
  v1::JobSpec spec = Spec();
  spec.mutable_augment()->set_interpolation(v1::AugmentSpec::RANDOM);
  int bilinear = 0, bicubic = 0, of_operations = 0;
  for (uint64_t position = 0; position < 400; ++position) {
    const ViewParameters parameters = Drawn(spec, position);
    bilinear += parameters.filter == pixels::Filter::kBilinear;
    bicubic += parameters.filter == pixels::Filter::kBicubic;
    for (const Operation& operation : parameters.operations) of_operations += operation.filter == pixels::Filter::kBilinear;
  }
  EXPECT_EQ(bilinear + bicubic, 400);
  EXPECT_NEAR(bilinear, 200, 50);
  EXPECT_GT(of_operations, 20);
}

TEST(ViewPolicyTest, EvaluationFramesAndNothingElse) {
  v1::JobSpec spec = Spec();
  spec.mutable_evaluate()->set_crop_ratio(1.0);
  ViewParameters parameters;
  ViewPolicy::ForEvaluation(spec).Draw(3, 500, 375, &parameters);
  EXPECT_EQ(parameters.framing, (Framing{.crop = {0, 0, 500, 375}, .width = 298, .height = 224, .left = 37, .top = 0}));
  EXPECT_TRUE(parameters.operations.empty() && parameters.erasures.empty());
}

TEST(ViewPolicyTest, EvaluationHasAnInterpolationOfItsOwn) {
  v1::JobSpec spec = Spec();
  spec.mutable_augment()->set_interpolation(v1::AugmentSpec::BILINEAR);
  ViewParameters parameters;
  ViewPolicy::ForEvaluation(spec).Draw(3, 500, 375, &parameters);
  EXPECT_EQ(parameters.filter, pixels::Filter::kBicubic) << "DeiT's, whatever it trains with";
  spec.mutable_evaluate()->set_interpolation(v1::AugmentSpec::LANCZOS);
  ViewPolicy::ForEvaluation(spec).Draw(3, 500, 375, &parameters);
  EXPECT_EQ(parameters.filter, pixels::Filter::kLanczos);
  EXPECT_EQ(Drawn(spec, 3).filter, pixels::Filter::kBilinear);
}

TEST(ViewPolicyTest, FillsWithTheRoundedMeanAsPythonRounds) {
  v1::JobSpec spec = Spec();
  spec.mutable_data()->clear_mean();
  for (const float mean : {0.3f, 0.9f, 0.485f}) spec.mutable_data()->add_mean(mean);
  EXPECT_EQ(ViewPolicy::ForEvaluation(spec).fill(), (pixels::Colour{76, 230, 124})) << "round(255 * x): 76.5 and 229.5 go to the even";
}

TEST(ViewPolicyTest, SaysWhatIsWrongWithAa) {
  v1::JobSpec spec = Spec();
  spec.mutable_augment()->set_aa("augmix");
  EXPECT_FALSE(ViewPolicy::ForTraining(spec).ok());
}

}  // namespace
}  // namespace deit::augment
