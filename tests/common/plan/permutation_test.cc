#include "common/plan/permutation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

namespace deit::plan {
namespace {

std::vector<uint64_t> ImagesOf(uint64_t seed, uint64_t epoch, uint64_t images) {
  const ImagePermutation order = EpochPermutation(seed, epoch, images);
  std::vector<uint64_t> shown(images);
  for (uint64_t rank = 0; rank < images; ++rank) shown[rank] = order.Image(rank);
  return shown;
}

// How many standard deviations a chi-square sum of equally likely cells lies from its mean.
double Deviations(const std::vector<int>& cells, double degrees_of_freedom) {
  const double expected = std::accumulate(cells.begin(), cells.end(), 0.0) / static_cast<double>(cells.size());
  double sum = 0;
  for (int count : cells) sum += (count - expected) * (count - expected) / expected;
  return (sum - degrees_of_freedom) / std::sqrt(2 * degrees_of_freedom);
}

TEST(ImagePermutationTest, VisitsEachImageOnce) {
  std::vector<uint64_t> sizes{97, 255, 256, 257, 1000, 1023, 1024, 1025, 10007, 60000, 65535, 65536, 65537};
  for (uint64_t images = 1; images <= 70; ++images) sizes.push_back(images);
  for (uint64_t images : sizes) {
    for (uint64_t epoch : {0U, 1U, 1000U}) {
      std::vector<uint64_t> shown = ImagesOf(42, epoch, images);
      std::sort(shown.begin(), shown.end());
      for (uint64_t image = 0; image < images; ++image) ASSERT_EQ(shown[image], image) << images << " images, epoch " << epoch;
    }
  }
}

// The weights of every job depend on it: a change here breaks resuming and reproducing old runs.
TEST(ImagePermutationTest, NeverChanges) {
  const ImagePermutation fashion = EpochPermutation(0, 0, 60000), imagenet = EpochPermutation(7, 299, 1281167);
  const std::vector<uint64_t> first{fashion.Image(0), fashion.Image(1), fashion.Image(59999)};
  EXPECT_EQ(first, (std::vector<uint64_t>{35778, 3916, 51238}));
  const std::vector<uint64_t> second{imagenet.Image(0), imagenet.Image(1), imagenet.Image(1281166)};
  EXPECT_EQ(second, (std::vector<uint64_t>{537928, 870273, 350261}));
  EXPECT_EQ(ImagesOf(0, 1, 7), (std::vector<uint64_t>{2, 4, 5, 1, 6, 0, 3}));
}

TEST(ImagePermutationTest, KnowsTheRankOfEachImage) {
  for (uint64_t images : {1U, 2U, 7U, 97U, 1000U, 1024U, 10007U, 60000U}) {
    const ImagePermutation order = LabelPermutation(42, images);
    for (uint64_t rank = 0; rank < images; ++rank) ASSERT_EQ(order.Rank(order.Image(rank)), rank) << images << " images";
  }
  const ImagePermutation largest = LabelPermutation(1, ImagePermutation::kMaxImages);
  for (uint64_t rank = 0; rank < 1000; ++rank) ASSERT_EQ(largest.Rank(largest.Image(rank)), rank);
}

TEST(ImagePermutationTest, OfLabelsIsNoEpochs) {
  const ImagePermutation labels = LabelPermutation(0, 60000), epoch = EpochPermutation(0, 0, 60000);
  int equal = 0;
  for (uint64_t rank = 0; rank < 60000; ++rank) equal += labels.Image(rank) == epoch.Image(rank);
  EXPECT_LT(equal, 10);
  EXPECT_EQ((std::vector<uint64_t>{labels.Image(0), labels.Image(1), labels.Image(59999)}), (std::vector<uint64_t>{36237, 9037, 34454}));
}

TEST(ImagePermutationTest, StaysInRangeForTheLargestDataSet) {
  const ImagePermutation order = EpochPermutation(1, 2, ImagePermutation::kMaxImages);
  double sum = 0;
  for (uint64_t rank = 0; rank < 10000; ++rank) {
    ASSERT_LT(order.Image(rank), ImagePermutation::kMaxImages);
    sum += static_cast<double>(order.Image(rank)) / static_cast<double>(ImagePermutation::kMaxImages);
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.015);
}

TEST(ImagePermutationTest, GivesEveryPermutationOfFewImagesTheSameChance) {
  for (uint64_t images = 2; images <= 6; ++images) {
    std::map<std::vector<uint64_t>, int> seen;
    int permutations = 1;
    for (uint64_t i = 2; i <= images; ++i) permutations *= static_cast<int>(i);
    for (int epoch = 0; epoch < 100 * permutations; ++epoch) ++seen[ImagesOf(3, static_cast<uint64_t>(epoch), images)];
    std::vector<int> cells(static_cast<size_t>(permutations));
    size_t cell = 0;
    for (const auto& [permutation, count] : seen) cells[cell++] = count;
    EXPECT_LT(std::abs(Deviations(cells, permutations - 1)), 4.5) << images << " images";
  }
}

TEST(ImagePermutationTest, ShowsEachImageEquallyOftenAtEachRank) {
  for (uint64_t images : {7U, 8U, 16U, 31U, 97U}) {
    std::vector<int> cells(images * images);
    for (uint64_t epoch = 0; epoch < 100 * images; ++epoch) {
      const std::vector<uint64_t> shown = ImagesOf(11, epoch, images);
      for (uint64_t rank = 0; rank < images; ++rank) ++cells[rank * images + shown[rank]];
    }
    const double freedom = static_cast<double>((images - 1) * (images - 1));
    EXPECT_LT(std::abs(Deviations(cells, freedom)), 4.5) << images << " images";
  }
}

// Coarse tables of a large order: rank against image, and image against the next one's.
TEST(ImagePermutationTest, HasNoStructureOverRanksOrNeighbours) {
  constexpr uint64_t kBins = 64;
  for (uint64_t images : {1024ULL, 60000ULL, 65536ULL, 1281167ULL}) {
    std::vector<int> by_rank(kBins * kBins), by_neighbour(kBins * kBins);
    const uint64_t epochs = std::max<uint64_t>(1, 500000 / images);
    for (uint64_t epoch = 0; epoch < epochs; ++epoch) {
      const std::vector<uint64_t> shown = ImagesOf(5, epoch, images);
      for (uint64_t rank = 0; rank + 1 < images; ++rank) {
        const uint64_t bin = shown[rank] * kBins / images;
        ++by_rank[rank * kBins / images * kBins + bin];
        ++by_neighbour[bin * kBins + shown[rank + 1] * kBins / images];
      }
    }
    // One epoch's table is more even than chance, because each image comes once: only large values tell.
    EXPECT_LT(Deviations(by_rank, (kBins - 1) * (kBins - 1)), 4.5) << images;
    EXPECT_LT(Deviations(by_neighbour, (kBins - 1) * (kBins - 1)), 4.5) << images;
  }
}

TEST(ImagePermutationTest, NeighboursLieAtEveryDistanceEquallyOften) {
  for (uint64_t images : {8U, 16U, 64U, 1000U, 1024U}) {
    std::vector<int> cells(images - 1);
    for (uint64_t epoch = 0; epoch < 400000 / images; ++epoch) {
      const std::vector<uint64_t> shown = ImagesOf(13, epoch, images);
      for (uint64_t rank = 0; rank + 1 < images; ++rank) ++cells[(shown[rank + 1] + images - shown[rank]) % images - 1];
    }
    EXPECT_LT(std::abs(Deviations(cells, static_cast<double>(images - 2))), 4.5) << images;
  }
}

// Two random permutations agree at one rank on average, for any shift between them.
TEST(ImagePermutationTest, EpochsAndSeedsShareNothing) {
  constexpr uint64_t kImages = 10007;
  const auto agreements = [](const std::vector<uint64_t>& a, const std::vector<uint64_t>& b, uint64_t shift) {
    int count = 0;
    for (uint64_t rank = 0; rank < kImages; ++rank) count += a[rank] == (b[rank] + shift) % kImages;
    return count;
  };
  const std::vector<uint64_t> base = ImagesOf(1, 1, kImages);
  for (const auto& other : {ImagesOf(1, 2, kImages), ImagesOf(1, 0, kImages), ImagesOf(2, 1, kImages), ImagesOf(1ULL << 32, 1, kImages)}) {
    std::vector<int> histogram(13);
    for (uint64_t shift = 0; shift < 2000; ++shift) ++histogram[static_cast<size_t>(std::min(12, agreements(base, other, shift)))];
    EXPECT_NEAR(histogram[0], 2000 * std::exp(-1.0), 110);  // Poisson of mean 1
    EXPECT_NEAR(histogram[1], 2000 * std::exp(-1.0), 110);
    EXPECT_EQ(histogram[12], 0);
  }
}

}  // namespace
}  // namespace deit::plan
