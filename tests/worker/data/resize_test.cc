#include "worker/data/resize.h"

#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::data {
namespace {

using ::testing::ElementsAre;

std::vector<int> RowOf(const Image& image, int y) { return {image.row(y), image.row(y) + image.width * image.channels}; }

Image Resized(const Image& in, const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter) {
  Image out;
  Resizer resizer;
  resizer.Resize(in, crop, width, height, window, filter, &out);
  return out;
}

// deit-facts G5: an 8 x 8 gray picture, v = (4 (8 r + c) 7919) mod 251, and what Pillow makes of it.
Image G5() {
  Image image;
  image.Reset(8, 8, 1);
  for (size_t i = 0; i < 64; ++i) image.pixels[i] = static_cast<uint8_t>(4 * i * 7919 % 251);
  return image;
}

TEST(ResizerTest, GivesPillowsNumbers) {
  const Rectangle all{0, 0, 8, 8};
  const Image bicubic = Resized(G5(), all, 5, 5, {0, 0, 5, 5}, Filter::kBicubic);
  EXPECT_THAT(RowOf(bicubic, 0), ElementsAre(77, 142, 136, 178, 139));
  EXPECT_THAT(RowOf(bicubic, 4), ElementsAre(98, 161, 153, 106, 162));
  const Image bilinear = Resized(G5(), all, 5, 5, {0, 0, 5, 5}, Filter::kBilinear);
  EXPECT_THAT(RowOf(bilinear, 0), ElementsAre(81, 138, 137, 174, 140));
  const Image cropped = Resized(G5(), {1, 2, 6, 6}, 4, 4, {0, 0, 4, 4}, Filter::kBicubic);
  EXPECT_THAT(RowOf(cropped, 0), ElementsAre(134, 145, 175, 130));
}

struct Case {
  int width, height, channels;
  Rectangle crop;
  int scaled_width, scaled_height;
  Rectangle window;
  Filter filter;
  uint32_t crc;
};

// Printed by tests/parity/resize.py.
constexpr Case kCases[] = {
    {18, 73, 1, {2, 3, 15, 63}, 61, 49, {6, 3, 32, 2}, Filter::kBicubic, 0x80edba0d},
    {56, 78, 1, {14, 8, 28, 41}, 41, 4, {0, 0, 35, 1}, Filter::kBicubic, 0x0b825f25},
    {88, 28, 3, {23, 0, 47, 26}, 57, 64, {17, 7, 23, 15}, Filter::kBilinear, 0x4d9ce905},
    {59, 38, 1, {13, 8, 43, 18}, 24, 38, {1, 11, 11, 24}, Filter::kBicubic, 0x7b0afe86},
    {65, 86, 1, {9, 9, 46, 70}, 65, 51, {18, 1, 31, 16}, Filter::kBicubic, 0x40cb3941},
    {54, 86, 1, {11, 17, 43, 58}, 12, 57, {4, 3, 3, 34}, Filter::kBicubic, 0x1fb81cd6},
    {48, 63, 1, {15, 1, 26, 56}, 22, 22, {3, 0, 7, 18}, Filter::kBilinear, 0xd2d68a2b},
    {52, 66, 3, {11, 14, 29, 47}, 1, 50, {0, 16, 1, 28}, Filter::kBilinear, 0x7d524973},
    {62, 47, 1, {16, 13, 38, 28}, 54, 45, {0, 10, 30, 2}, Filter::kBilinear, 0x0ee03995},
    {82, 23, 1, {27, 1, 53, 19}, 33, 5, {10, 0, 3, 1}, Filter::kBicubic, 0x3579f9b9},
    {2, 36, 1, {0, 1, 1, 29}, 38, 9, {2, 1, 17, 3}, Filter::kBicubic, 0x1383dde0},
    {83, 38, 3, {22, 5, 46, 32}, 15, 4, {2, 1, 6, 2}, Filter::kBilinear, 0xba227977},
    {34, 14, 3, {11, 4, 15, 9}, 56, 3, {7, 0, 26, 1}, Filter::kBilinear, 0x69d304ed},
    {21, 58, 3, {3, 16, 16, 28}, 68, 4, {12, 1, 43, 3}, Filter::kBicubic, 0x1fde4409},
    {8, 39, 1, {0, 0, 6, 22}, 10, 40, {2, 11, 3, 14}, Filter::kBicubic, 0x6c42e34d},
    {17, 2, 1, {4, 0, 11, 2}, 22, 66, {0, 12, 7, 23}, Filter::kBilinear, 0xd11acf76},
    {27, 74, 3, {9, 6, 16, 40}, 50, 38, {16, 7, 2, 11}, Filter::kBicubic, 0xf2927879},
    {37, 3, 1, {3, 1, 21, 2}, 55, 28, {8, 1, 25, 18}, Filter::kBicubic, 0x33a30323},
    {88, 69, 3, {24, 17, 47, 28}, 6, 11, {0, 1, 2, 9}, Filter::kBilinear, 0x86b1c0dd},
    {35, 43, 3, {5, 5, 25, 22}, 38, 31, {9, 7, 5, 19}, Filter::kBilinear, 0xf0b37dbe},
    {42, 6, 3, {1, 1, 25, 3}, 44, 15, {9, 4, 25, 2}, Filter::kBilinear, 0x5eb645af},
    {73, 11, 3, {11, 2, 38, 8}, 36, 14, {12, 0, 10, 1}, Filter::kBilinear, 0x0e029a6f},
    {12, 53, 1, {0, 6, 7, 42}, 54, 21, {3, 7, 11, 11}, Filter::kBilinear, 0xac79d592},
    {21, 14, 3, {6, 4, 12, 9}, 33, 62, {5, 3, 7, 42}, Filter::kBicubic, 0x2fe033bf},
};

Image MadeUp(int width, int height, int channels) {
  Image image;
  image.Reset(width, height, channels);
  uint8_t* sample = image.pixels.data();
  for (uint32_t y = 0; y < static_cast<uint32_t>(height); ++y) {
    for (uint32_t x = 0; x < static_cast<uint32_t>(width); ++x) {
      for (uint32_t c = 0; c < static_cast<uint32_t>(channels); ++c) {
        *sample++ = static_cast<uint8_t>((x * 2654435761u + y * 40503u + c * 7919u + x * y * 31u) >> 7);
      }
    }
  }
  return image;
}

TEST(ResizerTest, EqualsPillowForCropsScalesAndWindows) {
  Resizer resizer;  // one for all: nothing of a case may leak into the next
  Image out;
  for (const Case& c : kCases) {
    resizer.Resize(MadeUp(c.width, c.height, c.channels), c.crop, c.scaled_width, c.scaled_height, c.window, c.filter, &out);
    EXPECT_EQ(out.width, c.window.width);
    EXPECT_EQ(out.height, c.window.height);
    EXPECT_EQ(crc32(0, out.pixels.data(), static_cast<unsigned>(out.pixels.size())), c.crc) << "case " << &c - kCases;
  }
}

TEST(ResizerTest, StandsExtremeShapes) {
  const Image thin = MadeUp(20000, 1, 3);
  const Image out = Resized(thin, {0, 0, 20000, 1}, 256 * 20000, 256, {2559888, 16, 224, 224}, Filter::kBicubic);
  EXPECT_EQ(out.pixels.size(), 224u * 224u * 3u);
  const Image dot = Resized(thin, {0, 0, 20000, 1}, 1, 1, {0, 0, 1, 1}, Filter::kBilinear);
  EXPECT_NEAR(dot.pixels[0], 127, 20);
}

}  // namespace
}  // namespace deit::data
