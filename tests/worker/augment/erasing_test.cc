#include "worker/augment/erasing.h"

#include <algorithm>
#include <iterator>

#include <gtest/gtest.h>

namespace deit::augment {
namespace {

using v1::AugmentSpec;

constexpr int kSize = 16, kChannels = 3;

std::vector<float> Erased(AugmentSpec::Erasing mode, uint64_t position, const std::vector<pixels::Rectangle>& boxes) {
  std::vector<float> pixels(static_cast<size_t>(kChannels) * kSize * kSize, 7.0f);
  Erase(mode, 1, position, boxes, kChannels, kSize, pixels.data());
  return pixels;
}

bool Inside(const pixels::Rectangle& box, int x, int y) {
  return x >= box.left && x < box.left + box.width && y >= box.top && y < box.top + box.height;
}

TEST(EraseTest, FillsTheBoxesAndNothingElse) {
  const pixels::Rectangle box{3, 5, 4, 2};
  for (const auto mode : {AugmentSpec::PIXEL, AugmentSpec::RAND, AugmentSpec::CONST}) {
    const auto pixels = Erased(mode, 9, {box});
    for (size_t i = 0; i < pixels.size(); ++i) {
      const int x = static_cast<int>(i) % kSize, y = static_cast<int>(i) / kSize % kSize;
      EXPECT_EQ(pixels[i] == 7.0f, !Inside(box, x, y)) << i;
      EXPECT_TRUE(mode != AugmentSpec::CONST || pixels[i] == (Inside(box, x, y) ? 0.0f : 7.0f)) << i;
    }
  }
}

TEST(EraseTest, PixelNumbersEachElementAnew) {
  const auto pixels = Erased(AugmentSpec::PIXEL, 9, {{0, 0, 8, 8}, {8, 8, 8, 8}});
  std::vector<float> numbers;
  std::copy_if(pixels.begin(), pixels.end(), std::back_inserter(numbers), [](float value) { return value != 7.0f; });
  EXPECT_EQ(numbers.size(), 2u * 64 * kChannels);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

TEST(EraseTest, RandIsOneColourPerBox) {
  const pixels::Rectangle first{0, 0, 4, 4}, second{8, 8, 4, 4};
  const auto pixels = Erased(AugmentSpec::RAND, 9, {first, second});
  std::vector<float> colours;
  for (size_t c = 0; c < kChannels; ++c) {
    for (const auto& box : {first, second}) {
      const size_t corner = (c * kSize + static_cast<size_t>(box.top)) * kSize + static_cast<size_t>(box.left);
      EXPECT_EQ(pixels[corner], pixels[corner + 3 * kSize + 3]);
      colours.push_back(pixels[corner]);
    }
  }
  std::sort(colours.begin(), colours.end());
  EXPECT_EQ(std::unique(colours.begin(), colours.end()), colours.end()) << "each channel and box has its own";
}

TEST(EraseTest, DependsOnPositionAndBox) {
  const pixels::Rectangle box{0, 0, 8, 8};
  EXPECT_EQ(Erased(AugmentSpec::PIXEL, 9, {box}), Erased(AugmentSpec::PIXEL, 9, {box}));
  EXPECT_NE(Erased(AugmentSpec::PIXEL, 9, {box}), Erased(AugmentSpec::PIXEL, 10, {box}));
  EXPECT_NE(Erased(AugmentSpec::PIXEL, 9, {box}), Erased(AugmentSpec::PIXEL, 9, {box, box}));
}

TEST(DrawErasuresTest, DrawsNothingWithoutProbability) {
  std::vector<pixels::Rectangle> boxes{{1, 2, 3, 4}};
  DrawErasures({}, 1, 1, kSize, &boxes);
  EXPECT_TRUE(boxes.empty());
}

TEST(DrawErasuresTest, StaysInsideOnePixel) {
  AugmentSpec augment;
  augment.set_reprob(1);
  std::vector<pixels::Rectangle> boxes;
  for (int size = 1; size < 5; ++size) {
    for (uint64_t position = 0; position < 500; ++position) {
      DrawErasures(augment, 1, position, size, &boxes);
      for (const auto& box : boxes)
        EXPECT_TRUE(box.left >= 0 && box.top >= 0 && box.left + box.width <= size && box.top + box.height <= size);
    }
  }
}

}  // namespace
}  // namespace deit::augment
