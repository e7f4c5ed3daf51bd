#include "common/plan/sampler.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "common/plan/permutation.h"

namespace deit::plan {
namespace {

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();

Sampler SamplerFor(SamplerOptions options) {
  StatusOr<Sampler> sampler = Sampler::Create(options);
  EXPECT_TRUE(sampler.ok()) << sampler.status();
  return *std::move(sampler);
}

// Whether an image is among the first K of the order of labels.
bool IsLabelled(const SamplerOptions& options, uint64_t image) {
  const uint64_t labelled = options.labelled == 0 ? options.images : options.labelled;
  for (uint64_t rank = 0; rank < labelled; ++rank) {
    if (LabelPermutation(options.seed, options.images).Image(rank) == image) return true;
  }
  return false;
}

// The rules as one would tell them: each epoch's order is written out image by image, k times each, until n (or what whole steps hold).
std::vector<View> WriteOut(const SamplerOptions& options, uint64_t epochs) {
  std::vector<View> views;
  for (uint64_t epoch = 0; epoch < epochs; ++epoch) {
    const ImagePermutation order = EpochPermutation(options.seed, epoch, options.images);
    std::vector<View> shown;
    for (uint64_t rank = 0; rank < options.images; ++rank) {
      for (uint32_t repeat = 0; repeat < options.repeated_aug; ++repeat) {
        if (shown.size() < options.images) shown.push_back({0, epoch, order.Image(rank), repeat});
      }
    }
    if (options.drop_last) {
      while (shown.size() % options.batch_size != 0) shown.pop_back();
    }
    for (View& view : shown) {
      view.position = views.size();
      views.push_back(view);
    }
  }
  return views;
}

std::vector<SamplerOptions> AllOptions() {
  std::vector<SamplerOptions> all;
  for (uint64_t images : {1U, 7U, 97U, 10007U}) {
    for (uint64_t batch_size : {1U, 4U, 7U, 8U, 64U, 128U, 10007U, 16384U}) {
      for (uint64_t repeated_aug : {1U, 3U}) {
        for (bool drop_last : {false, true}) {
          if (drop_last && images < batch_size) continue;
          all.push_back({images, batch_size, repeated_aug, drop_last, 17});
        }
      }
    }
  }
  return all;
}

std::string Told(const SamplerOptions& options) {
  return absl::StrCat("n=", options.images, " B=", options.batch_size, " k=", options.repeated_aug, " drop_last=", options.drop_last);
}

TEST(SamplerTest, IsTheWrittenOutStream) {
  for (const SamplerOptions& options : AllOptions()) {
    const Sampler sampler = SamplerFor(options);
    for (const View& view : WriteOut(options, 4)) ASSERT_EQ(sampler.At(view.position), view) << Told(options) << " " << view.position;
  }
}

TEST(SamplerTest, StartsEpochsAtTheirFirstWholeStep) {
  for (const SamplerOptions& options : AllOptions()) {
    const Sampler sampler = SamplerFor(options);
    const std::vector<View> views = WriteOut(options, 6);
    uint64_t begin = 0;  // the epoch's first position
    for (uint64_t epoch = 0; epoch < 6; ++epoch) {
      uint64_t step = 0;
      while (step * options.batch_size < begin) ++step;
      ASSERT_EQ(sampler.FirstStepOfEpoch(epoch), step) << Told(options) << " epoch " << epoch;
      ASSERT_EQ(sampler.StepsFor(epoch), step);
      while (begin < views.size() && views[begin].epoch == epoch) ++begin;
    }
  }
}

TEST(SamplerTest, KnowsEachStepsEpochAndWhetherItEndsOne) {
  for (const SamplerOptions& options : AllOptions()) {
    const Sampler sampler = SamplerFor(options);
    const std::vector<View> views = WriteOut(options, 5);
    for (uint64_t step = 0; (step + 1) * options.batch_size < views.size(); ++step) {
      const uint64_t epoch = views[step * options.batch_size].epoch;
      ASSERT_EQ(sampler.EpochOfStep(step), epoch) << Told(options);
      ASSERT_EQ(sampler.EndsEpoch(step), views[(step + 1) * options.batch_size].epoch > epoch) << Told(options);
      ASSERT_LE(sampler.FirstStepOfEpoch(epoch), step);
      ASSERT_GT(sampler.FirstStepOfEpoch(epoch + 1), step);
    }
  }
}

TEST(SamplerTest, ShowsEachImageOncePerEpochWithoutRepeats) {
  const Sampler sampler = SamplerFor({.images = 97, .batch_size = 10});
  for (uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int> shown(97);
    for (uint64_t offset = 0; offset < 97; ++offset) ++shown[sampler.At(epoch * 97 + offset).image];
    for (int count : shown) EXPECT_EQ(count, 1);
  }
}

TEST(SamplerTest, ShowsAThirdOfTheImagesThreeTimesWithRepeats) {
  const Sampler sampler = SamplerFor({.images = 97, .batch_size = 10, .repeated_aug = 3});
  std::vector<int> shown(97), counts(4);
  for (uint64_t offset = 0; offset < 97; ++offset) ++shown[sampler.At(offset).image];
  for (int count : shown) ++counts[static_cast<size_t>(count)];
  EXPECT_EQ(counts, (std::vector<int>{64, 1, 0, 32}));  // ceil(97 / 3) images, the last one 97 mod 3 times
}

TEST(SamplerTest, SpreadRepeatsAreOneMicroBatchApartInTheEndlessStream) {
  for (const SamplerOptions& plain :
       {SamplerOptions{.images = 97, .batch_size = 16, .repeated_aug = 3, .seed = 17},
        SamplerOptions{.images = 97, .batch_size = 16, .repeated_aug = 3, .drop_last = true, .seed = 17},
        SamplerOptions{.images = 97, .batch_size = 8, .repeated_aug = 2, .seed = 17, .labelled = 30, .labelled_only = true}}) {
    for (const uint64_t distance : {1U, 2U, 8U}) {
      SamplerOptions options = plain;
      options.repeat_distance = distance;
      const Sampler sampler = SamplerFor(options), adjacent = SamplerFor(plain);
      const uint64_t repeats = options.repeated_aug, end = 9 * repeats * distance * 97;
      std::vector<uint64_t> images;  // in the order of their first views
      for (uint64_t position = 0; position < end; ++position) {
        const View view = sampler.At(position);
        ASSERT_EQ(view.epoch, adjacent.At(position).epoch) << "epochs, and so steps and schedule, are those of all jobs";
        ASSERT_EQ(view.repeat, position / distance % repeats);
        if (view.repeat == 0) {
          images.push_back(view.image);
        } else {
          ASSERT_EQ(view.image, sampler.At(position - distance).image);
        }
      }
      // The images are those that views side by side show, order for order.
      const uint64_t pass_positions = options.labelled_only ? options.labelled : sampler.positions_per_epoch();
      for (uint64_t position = 0, shown = 0; shown < images.size(); ++position) {
        if (position % pass_positions % repeats != 0) continue;
        ASSERT_EQ(images[shown], adjacent.At(position).image) << shown;
        ++shown;
      }
    }
  }
}

TEST(SamplerTest, SaysWhichImagesKeepTheirLabels) {
  for (uint64_t labelled : {1U, 10U, 96U}) {
    const SamplerOptions options{.images = 97, .batch_size = 10, .repeated_aug = 3, .seed = 17, .labelled = labelled};
    const Sampler sampler = SamplerFor(options), all = SamplerFor({.images = 97, .batch_size = 10, .repeated_aug = 3, .seed = 17});
    for (uint64_t position = 0; position < uint64_t{3} * 97; ++position) {
      View expected = all.At(position);
      EXPECT_TRUE(expected.labelled);
      expected.labelled = IsLabelled(options, expected.image);
      ASSERT_EQ(sampler.At(position), expected) << labelled << " labelled, position " << position;
    }
  }
}

TEST(SamplerTest, ShowsOnlyLabelledImagesPassByPassInEpochsOfTheSameLength) {
  for (bool drop_last : {false, true}) {
    for (uint64_t repeats : {1U, 3U}) {
      const SamplerOptions all{.images = 97, .batch_size = 10, .repeated_aug = repeats, .drop_last = drop_last, .seed = 17};
      SamplerOptions options = all;
      options.labelled = 7;
      options.labelled_only = true;
      const Sampler sampler = SamplerFor(options), whole = SamplerFor(all);
      const std::vector<View> passes = WriteOut({.images = 7, .batch_size = 1, .repeated_aug = repeats, .seed = 17}, 60);
      EXPECT_EQ(sampler.positions_per_epoch(), whole.positions_per_epoch());
      EXPECT_EQ(sampler.StepsFor(4), whole.StepsFor(4));
      for (uint64_t position = 0; position < passes.size(); ++position) {
        const uint64_t image = LabelPermutation(17, 97).Image(passes[position].image);
        ASSERT_EQ(sampler.At(position), (View{position, whole.At(position).epoch, image, passes[position].repeat, true}))
            << "position " << position;
      }
    }
  }
}

TEST(SamplerTest, AllImagesLabelledIsNoRestriction) {
  const Sampler all = SamplerFor({.images = 97, .batch_size = 10});
  for (uint64_t labelled : {0U, 97U}) {
    for (bool only : {false, true}) {
      const Sampler sampler = SamplerFor({.images = 97, .batch_size = 10, .labelled = labelled, .labelled_only = only});
      for (uint64_t position = 0; position < 300; ++position) ASSERT_EQ(sampler.At(position), all.At(position));
    }
  }
}

TEST(SamplerTest, CountsTimeInEpochs) {
  EXPECT_DOUBLE_EQ(SamplerFor({.images = 1000, .batch_size = 250}).EpochsAt(6), 1.5);
  EXPECT_DOUBLE_EQ(SamplerFor({.images = 1001, .batch_size = 250, .drop_last = true}).EpochsAt(6), 1.5);
  EXPECT_DOUBLE_EQ(SamplerFor({.images = 10, .batch_size = 250}).EpochsAt(1), 25);
}

TEST(SamplerTest, SurvivesTheLargestNumbers) {
  const Sampler sampler = SamplerFor({.images = ImagePermutation::kMaxImages, .batch_size = 1});
  EXPECT_EQ(sampler.FirstStepOfEpoch(uint64_t{1} << 23), uint64_t{1} << 63);
  EXPECT_EQ(sampler.FirstStepOfEpoch(kLargest), kLargest);
  const View last = sampler.At(kLargest);
  EXPECT_EQ(last.epoch, kLargest >> 40);
  EXPECT_LT(last.image, ImagePermutation::kMaxImages);

  const Sampler wide = SamplerFor({.images = 3, .batch_size = uint64_t{1} << 32});
  EXPECT_EQ(wide.EpochOfStep(kLargest), kLargest);
  EXPECT_EQ(wide.EpochOfStep(uint64_t{1} << 31), (uint64_t{1} << 63) / 3);
  EXPECT_EQ(wide.FirstStepOfEpoch(kLargest), (uint64_t{3} << 32));
  EXPECT_TRUE(wide.EndsEpoch(kLargest));
}

TEST(SamplerTest, RefusesWhatNoStreamCanBe) {
  const auto message = [](SamplerOptions options) { return std::string(Sampler::Create(options).status().message()); };
  EXPECT_EQ(message({.images = 0, .batch_size = 1}), "data: 0 training images: nothing to train on");
  EXPECT_EQ(message({.images = 1, .batch_size = 0}), "train.batch_size: 0: must be 1 to 4294967296");
  EXPECT_EQ(message({.images = 1, .batch_size = 1, .repeated_aug = 0}), "augment.repeated_aug: 0: must be 1 to 4294967295");
  EXPECT_EQ(message({.images = kLargest, .batch_size = 1}), "training images: 18446744073709551615: must be 1 to 1099511627776");
  const Status too_few = Sampler::Create({.images = 7, .batch_size = 8, .drop_last = true}).status();
  EXPECT_EQ(too_few.message(), "train.drop_last: true: an epoch of 7 images has no full batch of 8");
  EXPECT_EQ(HintOf(too_few), "set train.batch_size to at most 7, or train.drop_last=false");
  EXPECT_TRUE(absl::IsInvalidArgument(too_few));
  const Status too_many_labels = Sampler::Create({.images = 7, .batch_size = 1, .labelled = 8}).status();
  EXPECT_EQ(too_many_labels.message(), "data.labelled: 8: more than the 7 training images");
  EXPECT_EQ(HintOf(too_many_labels), "set data.labelled to at most that, or to 0 to keep all labels");
}

}  // namespace
}  // namespace deit::plan
