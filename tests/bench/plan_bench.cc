// How fast the data plan is on one core: Philox, the epoch's order, and the stream with both.
#include <benchmark/benchmark.h>

#include "common/plan/permutation.h"
#include "common/plan/philox.h"
#include "common/plan/sampler.h"

namespace deit::plan {
namespace {

void PhiloxBlocks(benchmark::State& state) {
  PhiloxBlock counter{};
  uint32_t sum = 0;
  for (auto _ : state) {
    ++counter[0];
    sum += Philox4x32(counter, {1, 2})[3];
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PhiloxBlocks);

void UniformNumbers(benchmark::State& state) {
  RandomStream stream(1, 2, Purpose::kAugment);
  double sum = 0;
  for (auto _ : state) sum += stream.Uniform();
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(UniformNumbers);

void NormalNumbers(benchmark::State& state) {
  RandomStream stream(1, 2, Purpose::kInitialWeights);
  double sum = 0;
  for (auto _ : state) sum += stream.Normal();
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(NormalNumbers);

void OrderOfOneEpoch(benchmark::State& state) {
  const uint64_t images = static_cast<uint64_t>(state.range(0));
  const ImagePermutation order = EpochPermutation(1, 2, images);
  uint64_t rank = 0, sum = 0;
  for (auto _ : state) {
    sum += order.Image(rank);
    if (++rank == images) rank = 0;
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OrderOfOneEpoch)->ArgName("images")->Arg(60000)->Arg(1281167);

// What a loader does for each view before it reads a pixel.
void SamplerPositions(benchmark::State& state) {
  const Sampler sampler =
      Sampler::Create(
          {.images = static_cast<uint64_t>(state.range(0)), .batch_size = 1024, .repeated_aug = static_cast<uint64_t>(state.range(1))})
          .value();
  uint64_t position = 0, sum = 0;
  for (auto _ : state) sum += sampler.At(position++).image;
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(SamplerPositions)->ArgNames({"images", "repeats"})->Args({60000, 1})->Args({1281167, 1})->Args({1281167, 3})->Args({1000, 1});

}  // namespace
}  // namespace deit::plan

BENCHMARK_MAIN();
