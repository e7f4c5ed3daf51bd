// Law 2 on what was really trained: the trainer's ledger against a recomputation that shares no code with it but order and digest.
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "common/base/digest.h"
#include "common/plan/permutation.h"
#include "tests/worker/train/small_job.h"

namespace deit::train {
namespace {

uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

// `labelled`: of a job that shows these images only; else 0.
std::vector<plan::LedgerEntry> Recompute(uint64_t images, uint64_t repeats, uint64_t seed, uint64_t positions, uint64_t labelled = 0) {
  std::map<uint64_t, plan::LedgerEntry> entries;
  const FormulaViews views;
  for (uint64_t position = 0; position < positions; ++position) {
    const uint64_t epoch = position / images, shown = labelled > 0 ? labelled : images;
    const uint64_t pass = position / shown, offset = position % shown;
    const uint64_t number = plan::EpochPermutation(seed, pass, shown).Image(offset / repeats);
    const uint64_t image = labelled > 0 ? plan::LabelPermutation(seed, images).Image(number) : number;
    const plan::View view{position, epoch, image, static_cast<uint32_t>(offset % repeats)};
    std::array<float, 16> pixels;
    data::Rendered rendered;
    EXPECT_TRUE(views.Render(view, pixels.data(), &rendered).ok());
    plan::LedgerEntry& entry = entries[epoch];
    entry.epoch = epoch;
    ++entry.count;
    entry.sum += Mix(Mix(position + 0x9E3779B97F4A7C15) + Digest64(pixels.data(), sizeof(pixels)));
  }
  std::vector<plan::LedgerEntry> list;
  for (const auto& [epoch, entry] : entries) list.push_back(entry);
  return list;
}

v1::JobSpec SpecFor(int batch_size, int repeats) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_train()->set_batch_size(batch_size);
  spec.mutable_augment()->set_repeated_aug(repeats);
  return spec;
}

WorkerOptions Tiny(uint64_t images) {
  WorkerOptions options;
  options.images = images;
  options.engine.tensors = TinyTensors();
  return options;
}

TEST(TrainedViewsTest, EqualsAnIndependentRecomputationForEveryWorld) {
  const std::pair<uint64_t, int> images_and_batch[] = {{1, 24}, {7, 24}, {97, 24}, {10007, 2504}};
  for (const auto& [images, batch] : images_and_batch) {
    for (int repeats : {1, 3}) {
      const auto expected = Recompute(images, static_cast<uint64_t>(repeats), 5, 5 * static_cast<uint64_t>(batch));
      for (int workers : {1, 3, 8}) {
        EXPECT_EQ(Train(workers, 5, SpecFor(batch, repeats), Tiny(images)).ledger.Entries(), expected)
            << images << " images, " << repeats << " repeats, " << workers << " workers";
      }
    }
  }
}

TEST(TrainedViewsTest, EqualsTheRecomputationWhereFewImagesHaveLabels) {
  for (int repeats : {1, 3}) {
    v1::JobSpec spec = SpecFor(24, repeats);
    spec.mutable_data()->set_labelled(10);
    for (int workers : {1, 3, 8}) {
      EXPECT_EQ(Train(workers, 5, spec, Tiny(97)).ledger.Entries(), Recompute(97, static_cast<uint64_t>(repeats), 5, 120, 10))
          << repeats << " repeats, " << workers << " workers";
    }
    // With a teacher the others are shown too, so that the views are those of a job whose images all have labels.
    spec.mutable_distillation()->set_type(v1::DistillationSpec::HARD);
    EXPECT_EQ(Train(2, 5, spec, Tiny(97)).ledger.Entries(), Recompute(97, static_cast<uint64_t>(repeats), 5, 120));
  }
}

// `change` is done to the micro-batch of step 2, lane 3.
plan::Ledger Tampered(const std::function<void(data::MicroBatch*)>& change) {
  WorkerOptions options = Tiny(97);
  options.tamper = [&change](data::MicroBatch* batch) {
    if (batch->step == 2 && batch->lane == 3) change(batch);
  };
  return Train(2, 5, SpecFor(24, 1), options).ledger;
}

TEST(TrainedViewsTest, ShowsAViewTrainedTwiceSkippedExchangedOrWithAnotherPixel) {
  const auto expected = Recompute(97, 1, 5, 120);
  EXPECT_EQ(Tampered([](data::MicroBatch*) {}).Entries(), expected);
  EXPECT_NE(Tampered([](data::MicroBatch* batch) {
              batch->views.push_back(batch->views[0]);
              batch->labels.push_back(batch->labels[0]);
              std::copy_n(batch->pixels, 16, batch->pixels + 16 * (batch->views.size() - 1));
            }).Entries(),
            expected)
      << "one more";
  EXPECT_NE(Tampered([](data::MicroBatch* batch) {
              batch->views[1] = batch->views[0];
              std::copy_n(batch->pixels, 16, batch->pixels + 16);
            }).Entries(),
            expected)
      << "one twice instead of another";
  EXPECT_NE(Tampered([](data::MicroBatch* batch) {
              batch->views.pop_back();
              batch->labels.pop_back();
            }).Entries(),
            expected)
      << "one skipped";
  EXPECT_NE(Tampered([](data::MicroBatch* batch) { std::swap_ranges(batch->pixels, batch->pixels + 16, batch->pixels + 16); }).Entries(),
            expected)
      << "pixels of another view";
  EXPECT_NE(Tampered([](data::MicroBatch* batch) { batch->pixels[37] += 1e-6f; }).Entries(), expected) << "one pixel";
}

}  // namespace
}  // namespace deit::train
