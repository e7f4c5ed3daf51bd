// Views per second on one core, and through the loader: Fashion-MNIST at 28 x 28, and JPEG pictures of 500 x 375 at 224 x 224.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "common/base/status.h"
#include "common/dataset/listing_cache.h"
#include "common/plan/philox.h"
#include "tests/support/file_content.h"
#include "tests/support/image_files.h"
#include "tests/support/temp_folder.h"
#include "worker/data/loader.h"
#include "worker/data/view_source.h"

namespace deit::data {
namespace {

v1::JobSpec SpecOf(v1::DataSpec::Format format, const std::string& root, int size, int channels, v1::AugmentSpec::Crop crop) {
  v1::JobSpec spec;
  spec.mutable_data()->set_format(format);
  spec.mutable_data()->set_root(root);
  for (int c = 0; c < channels; ++c) {
    spec.mutable_data()->add_mean(0.5f);
    spec.mutable_data()->add_std(0.25f);
  }
  spec.mutable_model()->set_img_size(size);
  spec.mutable_model()->set_in_chans(channels);
  spec.mutable_model()->set_num_classes(10);
  spec.mutable_augment()->set_crop(crop);
  return spec;
}

v1::JobSpec FashionMnist() { return SpecOf(v1::DataSpec::IDX, "/usr/share/datasets/fashion-mnist", 28, 1, v1::AugmentSpec::PADDED); }

// The data set that DEIT_BENCH_IMAGES names, else one class of 16 pictures with as much grain as a photograph of about 100 KB.
std::string JpegFolder() {
  if (const char* images = std::getenv("DEIT_BENCH_IMAGES")) return images;
  static const deit::testing::TempFolder folder;
  std::filesystem::create_directories(folder / "train/a");
  plan::RandomStream random(1, 1, plan::Purpose::kAugment);
  for (int k = 0; k < 16; ++k) {
    std::string samples;
    for (int i = 0; i < 500 * 375 * 3; ++i) samples += static_cast<char>(64 + i / 3 % 500 / 5 + static_cast<int>(random.Below(48)));
    deit::testing::WriteFile(folder / absl::StrCat("train/a/", k, ".jpg"), deit::testing::EncodeJpeg(500, 375, 3, samples, 75));
  }
  return folder.path();
}

v1::JobSpec Jpegs() {
  static const std::string folder = JpegFolder();
  return SpecOf(v1::DataSpec::IMAGE_FOLDER, folder, 224, 3, v1::AugmentSpec::RESIZED);
}

// DeiT's whole recipe of a view, and of three in a row of one image.
v1::JobSpec DeitJpegs() {
  v1::JobSpec spec = Jpegs();
  spec.mutable_augment()->set_aa("rand-m9-mstd0.5-inc1");
  spec.mutable_augment()->set_reprob(0.25);
  return spec;
}
v1::JobSpec RepeatedDeitJpegs() {
  v1::JobSpec spec = DeitJpegs();
  spec.mutable_augment()->set_repeated_aug(3);
  return spec;
}

template <v1::JobSpec (*SPEC)()>
void Views(benchmark::State& state) {
  const v1::JobSpec spec = SPEC();
  const auto index = *dataset::OpenIndex(spec, dataset::Split::kTrain);
  const auto views = *NewTrainViews(spec, *index);
  std::vector<float> pixels(static_cast<size_t>(views->channels() * views->size() * views->size()));
  Rendered rendered;
  const auto sampler = *plan::Sampler::Create({.images = static_cast<uint64_t>(index->size()),
                                               .batch_size = 1,
                                               .repeated_aug = static_cast<uint64_t>(spec.augment().repeated_aug())});
  uint64_t position = 0;
  for (auto _ : state) {
    if (!views->Render(sampler.At(position++), pixels.data(), &rendered).ok()) state.SkipWithError("broken picture");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Views<FashionMnist>);
BENCHMARK(Views<Jpegs>);
BENCHMARK(Views<DeitJpegs>);
BENCHMARK(Views<RepeatedDeitJpegs>);

// Decoding alone, through the same picture source.
void Decode(benchmark::State& state) {
  const v1::JobSpec spec = Jpegs();
  const auto index = *dataset::OpenIndex(spec, dataset::Split::kTrain);
  const auto pictures = NewStoredImages(spec, *index);
  Image image;
  int64_t i = 0;
  for (auto _ : state) {
    if (!pictures->Read(i++ % index->size(), &image).ok()) state.SkipWithError("broken picture");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Decode);

// Micro-batches of 32 views with an idle processor: what the loader itself costs. items_per_second counts wall time.
template <v1::JobSpec (*SPEC)()>
void LoaderViews(benchmark::State& state) {
  const v1::JobSpec spec = SPEC();
  const auto index = *dataset::OpenIndex(spec, dataset::Split::kTrain);
  const auto views = *NewTrainViews(spec, *index);
  const auto sampler = *plan::Sampler::Create({.images = static_cast<uint64_t>(index->size()), .batch_size = 256});
  const auto loader = *Loader::Start(
      sampler, *views,
      {.lanes = {0, 8}, .lane_count = 8, .batch_size = 256, .end_step = uint64_t{1} << 40, .threads = static_cast<int>(state.range(0))});
  for (auto _ : state) {
    if (!loader->Next().ok()) state.SkipWithError("broken picture");
  }
  state.SetItemsProcessed(state.iterations() * 32);
}
BENCHMARK(LoaderViews<FashionMnist>)->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(LoaderViews<Jpegs>)->Arg(1)->Arg(2)->UseRealTime();

// What a worker pays at its start.
void OpenFashionMnist(benchmark::State& state) {
  const v1::JobSpec spec = FashionMnist();
  for (auto _ : state) {
    const auto index = *dataset::OpenIndex(spec, dataset::Split::kTrain);
    benchmark::DoNotOptimize(NewTrainViews(spec, *index));
  }
}
BENCHMARK(OpenFashionMnist)->Unit(benchmark::kMillisecond);

void FingerprintOfFashionMnist(benchmark::State& state) {
  const auto index = *dataset::OpenIndex(FashionMnist(), dataset::Split::kTrain);
  for (auto _ : state) benchmark::DoNotOptimize(index->fingerprint());
}
BENCHMARK(FingerprintOfFashionMnist)->Unit(benchmark::kMillisecond);

// As many images and classes as ImageNet has, listed in an earlier run.
void OpenKeptImageNet(benchmark::State& state) {
  const deit::testing::TempFolder root, kept;
  const auto list = [&]() -> absl::StatusOr<dataset::Listing> {
    dataset::Listing listing;
    for (int c = 0; c < 1000; ++c) {
      const std::string folder = absl::StrCat("n", 10000000 + c);
      std::filesystem::create_directory(root / folder);
      std::filesystem::last_write_time(root / folder, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
      DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), dataset::ContainerOf(root.path(), folder));
    }
    for (uint32_t i = 0; i < 1'281'167; ++i) {
      listing.Add(i % 1000, absl::StrCat("n", 10000000 + i % 1000, "_", i, ".JPEG"), static_cast<int32_t>(i % 1000), 0, 110'000 + i);
    }
    return listing;
  };
  const auto first = *dataset::KeptListing(kept.path(), root.path(), "BENCH", list);
  for (auto _ : state) {
    const auto again = *dataset::KeptListing(kept.path(), root.path(), "BENCH", [] { return absl::InternalError("not kept"); });
    if (again.fingerprint != first.fingerprint) state.SkipWithError("another listing");
  }
}
BENCHMARK(OpenKeptImageNet)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace deit::data

BENCHMARK_MAIN();
