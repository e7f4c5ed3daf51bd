#include "worker/augment/framing.h"

#include <cmath>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::augment {

void PrintTo(const Framing& f, std::ostream* out) {
  *out << "{{" << f.crop.left << ", " << f.crop.top << ", " << f.crop.width << ", " << f.crop.height << "}, " << f.width << ", " << f.height
       << ", " << f.left << ", " << f.top << ", " << f.flip << "}";
}

namespace {

using plan::Purpose;
using plan::RandomStream;

v1::JobSpec SpecOf(v1::AugmentSpec::Crop crop, v1::DataSpec::Format format = v1::DataSpec::IMAGE_FOLDER) {
  v1::JobSpec spec;
  spec.mutable_data()->set_format(format);
  spec.mutable_data()->set_seed(7);
  spec.mutable_model()->set_img_size(28);
  spec.mutable_augment()->set_crop(crop);
  return spec;
}

bool Inside(const Rectangle& inner, int width, int height) {
  return inner.width >= 1 && inner.height >= 1 && inner.left >= 0 && inner.top >= 0 && inner.left + inner.width <= width &&
         inner.top + inner.height <= height;
}

TEST(ResizedCropTest, StaysInsideEveryPicture) {
  const v1::AugmentSpec augment;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 500}, {500, 1}, {3, 2}, {28, 28}, {500, 375}, {375, 500}, {32768, 10}}) {
    for (uint64_t position = 0; position < 500; ++position) {
      const Framing framing = ResizedCrop(width, height, 224, augment, RandomStream(1, position, Purpose::kCrop));
      EXPECT_TRUE(Inside(framing.crop, width, height)) << width << " x " << height << " at " << position;
      EXPECT_EQ(framing.width, 224);
      EXPECT_EQ(framing.height, 224);
    }
  }
}

TEST(ResizedCropTest, KeepsAreaAndAspectInRangeAndUsesAllOfIt) {
  const v1::AugmentSpec augment;
  double smallest = 1, largest = 0, narrowest = 10, widest = 0, sum = 0;
  constexpr int kViews = 200000;
  for (uint64_t position = 0; position < kViews; ++position) {
    const Framing framing = ResizedCrop(1000, 1000, 224, augment, RandomStream(1, position, Purpose::kCrop));
    const double area = framing.crop.width * framing.crop.height / 1e6;
    const double aspect = static_cast<double>(framing.crop.width) / framing.crop.height;
    smallest = std::min(smallest, area), largest = std::max(largest, area), sum += area;
    narrowest = std::min(narrowest, aspect), widest = std::max(widest, aspect);
  }
  EXPECT_NEAR(smallest, 0.08, 0.002);
  EXPECT_NEAR(largest, 1.0, 0.05);
  EXPECT_NEAR(narrowest, 0.75, 0.005);
  EXPECT_NEAR(widest, 4.0 / 3, 0.01);
  // Torchvision's mean for a square picture (below (0.08 + 1) / 2, because large crops of extreme aspect do not fit).
  EXPECT_NEAR(sum / kViews, 0.4776, 0.003);
}

TEST(ResizedCropTest, FallsBackToTheCentreWithTheNearestAspect) {
  v1::AugmentSpec augment;
  augment.set_scale_min(1.0);
  const RandomStream random(1, 0, Purpose::kCrop);
  EXPECT_EQ(ResizedCrop(1000, 10, 28, augment, random).crop, (Rectangle{493, 0, 13, 10}));
  EXPECT_EQ(ResizedCrop(10, 1000, 28, augment, random).crop, (Rectangle{0, 493, 10, 13}));
}

TEST(PaddedCropTest, ReachesEveryOffsetEquallyOften) {
  std::map<int, int> tops, lefts;
  constexpr int kViews = 18000;
  for (uint64_t position = 0; position < kViews; ++position) {
    const Framing framing = PaddedCrop(28, 28, 28, 4, RandomStream(1, position, Purpose::kCrop));
    EXPECT_FALSE(framing.scales());
    ++tops[framing.top], ++lefts[framing.left];
  }
  for (const auto& counts : {tops, lefts}) {
    ASSERT_EQ(counts.size(), 9u);
    for (const auto& [offset, count] : counts) {
      EXPECT_LE(std::abs(offset), 4);
      EXPECT_NEAR(count, kViews / 9, 5 * std::sqrt(kViews / 9.0)) << offset;
    }
  }
}

TEST(CentreCropTest, RoundsAsTorchvision) {
  const Framing framing = CentreCrop(500, 375, 224);
  EXPECT_EQ(framing, (Framing{.crop = {0, 0, 500, 375}, .width = 341, .height = 256, .left = 58, .top = 16}));
  EXPECT_EQ(CentreCrop(375, 500, 224).top, 58);
  EXPECT_EQ(CentreCrop(438, 438, 384), (Framing{.crop = {0, 0, 438, 438}, .width = 438, .height = 438, .left = 27, .top = 27}));
  EXPECT_EQ(CentreCrop(3, 3, 1), (Framing{.crop = {0, 0, 3, 3}, .width = 1, .height = 1}));
}

TEST(TrainFramingTest, FlipsAsOftenAsAsked) {
  v1::JobSpec spec = SpecOf(v1::AugmentSpec::PADDED);
  for (const double rate : {0.0, 0.25, 0.5, 1.0}) {
    spec.mutable_augment()->set_hflip(rate);
    int flips = 0;
    for (uint64_t position = 0; position < 10000; ++position) flips += TrainFraming(spec, position, 28, 28).flip;
    EXPECT_NEAR(flips, 10000 * rate, rate == 0.0 || rate == 1.0 ? 0 : 250);
  }
}

TEST(TrainFramingTest, DependsOnDataSeedAndPositionAlone) {
  v1::JobSpec spec = SpecOf(v1::AugmentSpec::RESIZED);
  const Framing framing = TrainFraming(spec, 5, 500, 375);
  spec.mutable_train()->set_seed(99);
  EXPECT_EQ(TrainFraming(spec, 5, 500, 375), framing);
  EXPECT_FALSE(TrainFraming(spec, 6, 500, 375) == framing);
  spec.mutable_data()->set_seed(8);
  EXPECT_FALSE(TrainFraming(spec, 5, 500, 375) == framing);
}

TEST(TrainFramingTest, NeverChanges) {  // other values would make other weights of every job
  EXPECT_EQ(TrainFraming(SpecOf(v1::AugmentSpec::RESIZED), 123456789012, 500, 375),
            (Framing{.crop = {114, 43, 313, 317}, .width = 28, .height = 28, .flip = true}));
  EXPECT_EQ(TrainFraming(SpecOf(v1::AugmentSpec::PADDED), 3, 28, 28),
            (Framing{.crop = {0, 0, 28, 28}, .width = 28, .height = 28, .left = 2, .top = -4, .flip = true}));
}

TEST(TrainFramingTest, ShowsWhatEvaluationShowsWithCenter) {
  for (const auto format : {v1::DataSpec::IMAGE_FOLDER, v1::DataSpec::IDX}) {
    v1::JobSpec spec = SpecOf(v1::AugmentSpec::CENTER, format);
    spec.mutable_augment()->set_hflip(0);
    EXPECT_EQ(TrainFraming(spec, 1, 50, 40), EvaluationFraming(spec, 50, 40));
  }
  EXPECT_EQ(EvaluationFraming(SpecOf(v1::AugmentSpec::PADDED, v1::DataSpec::IDX), 50, 40), Whole(50, 40, 28));
}

}  // namespace
}  // namespace deit::augment
