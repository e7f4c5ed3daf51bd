// A loader that has seen its largest picture needs no more memory: nothing of a picture's size is ever allocated again.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/image_files.h"
#include "tests/support/temp_folder.h"
#include "worker/data/loader.h"

namespace {

constexpr size_t kLarge = 4096;  // bytes; paths and handles of files are smaller
std::atomic<int64_t> large_allocations = 0;

}  // namespace

// Not inlined: the compiler would miss that each pair belongs together.
[[gnu::noinline]] void* operator new(size_t size) {
  if (size >= kLarge) ++large_allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
  if (size >= kLarge) ++large_allocations;
  const size_t bound = static_cast<size_t>(alignment);
  if (void* memory = std::aligned_alloc(bound, (size + bound - 1) / bound * bound)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace deit::data {
namespace {

constexpr int kImages = 12;
constexpr uint64_t kWarmSteps = 20, kSteps = 60;

v1::JobSpec Recipe(const std::string& root) {
  v1::JobSpec spec;
  spec.mutable_data()->set_format(v1::DataSpec::IMAGE_FOLDER);
  spec.mutable_data()->set_root(root);
  for (int c = 0; c < 3; ++c) spec.mutable_data()->add_mean(0.5f), spec.mutable_data()->add_std(0.25f);
  spec.mutable_model()->set_img_size(32);
  spec.mutable_model()->set_in_chans(3);
  spec.mutable_model()->set_num_classes(2);
  v1::AugmentSpec& augment = *spec.mutable_augment();
  augment.set_crop(v1::AugmentSpec::RESIZED);
  augment.set_scale_min(1);  // all of a picture, so that the largest needs most
  augment.set_aa("rand-m9-mstd0.5-inc1");
  augment.set_reprob(0.5);
  augment.set_mixup(0.8);
  augment.set_cutmix(1.0);
  return spec;
}

// Pictures of growing size: every thread has seen the largest soon.
void WritePictures(const testing::TempFolder& folder) {
  std::filesystem::create_directories(folder / "train/a");
  for (int k = 0; k < kImages; ++k) {
    const int side = 40 + 4 * k;
    std::string samples;
    for (int i = 0; i < side * side * 3; ++i) samples += static_cast<char>(i * 7 % 251);
    testing::WriteFile(folder / absl::StrCat("train/a/", k, ".jpg"), testing::EncodeJpeg(side, side, 3, samples));
  }
}

TEST(SteadyStateTest, NothingLargeIsAllocatedAgain) {
  const testing::TempFolder folder;
  WritePictures(folder);
  const v1::JobSpec spec = Recipe(folder.path());
  const auto index = *dataset::OpenIndex(spec, dataset::Split::kTrain);
  const auto views = *NewTrainViews(spec, *index);
  const plan::Sampler sampler = *plan::Sampler::Create({.images = kImages, .batch_size = 16});
  const auto loader = *Loader::Start(
      sampler, *views, {.lanes = {0, 2}, .lane_count = 2, .batch_size = 16, .first_step = 0, .end_step = kSteps, .threads = 2});
  int64_t warm = 0;
  for (uint64_t batch = 0; batch < 2 * kSteps; ++batch) {
    const auto next = loader->Next();
    ASSERT_TRUE(next.ok()) << next.status();
    if (batch == 2 * kWarmSteps) warm = large_allocations;
  }
  EXPECT_GT(warm, 0) << "nothing was counted";
  EXPECT_EQ(large_allocations, warm);
}

}  // namespace
}  // namespace deit::data
