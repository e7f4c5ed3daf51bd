#include "worker/pixels/resize.h"

#include <zlib.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/synthetic_image.h"
#include "tests/worker/pixels/golden_names.h"

namespace deit::pixels {
namespace {

using ::deit::testing::SyntheticImage;
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

std::istream& operator>>(std::istream& in, Rectangle& r) { return in >> r.left >> r.top >> r.width >> r.height; }

// Each line of golden/resize.txt (tests/parity/pixels.py).
void ExpectPillows(const Kernels& kernels) {
  std::ifstream file(DEIT_GOLDEN_DIR "/resize.txt");
  Resizer resizer(kernels);  // one for all: nothing of a case may leak into the next
  Image out;
  int cases = 0, width = 0, height = 0, channels = 0, scaled_width = 0, scaled_height = 0;
  Rectangle crop, window;
  std::string filter, crc;
  while (file >> width >> height >> channels >> crop >> scaled_width >> scaled_height >> window >> filter >> crc) {
    resizer.Resize(SyntheticImage(width, height, channels), crop, scaled_width, scaled_height, window, FilterNamed(filter), &out);
    EXPECT_EQ(out.width, window.width);
    EXPECT_EQ(out.height, window.height);
    EXPECT_EQ(crc32(0, out.pixels.data(), static_cast<unsigned>(out.pixels.size())), std::stoul(crc, nullptr, 16)) << "case " << cases;
    ++cases;
  }
  EXPECT_EQ(cases, 96);
}

TEST(ResizerTest, EqualsPillowForCropsScalesWindowsAndFilters) { ExpectPillows(NativeKernels()); }
TEST(ResizerTest, EqualsPillowOnEveryProcessor) { ExpectPillows(PortableKernels()); }

// What lies outside of SourceOf() may be missing, and what lies inside is needed.
TEST(ResizerTest, LooksAtItsSourceOnly) {
  const Image in = SyntheticImage(90, 70, 3);
  int smaller = 0;
  for (const Filter filter : {Filter::kBox, Filter::kBilinear, Filter::kBicubic, Filter::kLanczos}) {
    for (const Rectangle& crop : {Rectangle{0, 0, 90, 70}, {13, 5, 60, 41}, {89, 0, 1, 70}}) {
      for (const auto& [size, window] :
           {std::pair{20, Rectangle{3, 4, 7, 6}}, {20, {0, 0, 20, 20}}, {20, {19, 19, 1, 1}}, {150, {60, 70, 30, 80}}}) {
        const Rectangle source = SourceOf(crop, size, size, window, filter);
        Image part;
        part.Reset(source.width, source.height, 3);
        for (int y = 0; y < part.height; ++y) {
          const uint8_t* from = in.row(source.top + y) + source.left * 3;
          std::copy(from, from + part.width * 3, part.row(y));
        }
        const Rectangle moved{crop.left - source.left, crop.top - source.top, crop.width, crop.height};
        EXPECT_EQ(Resized(part, moved, size, size, window, filter).pixels, Resized(in, crop, size, size, window, filter).pixels);
        EXPECT_GE(source.left, crop.left);
        EXPECT_LE(source.top + source.height, crop.top + crop.height);
        if (source.width * 2 < crop.width) ++smaller;
      }
    }
  }
  EXPECT_GT(smaller, 10);
}

TEST(ResizerTest, FlipsLeftToRight) {
  const Image in = SyntheticImage(40, 30, 3);
  const Rectangle crop{5, 3, 30, 20}, window{2, 1, 21, 14};
  Image straight = Resized(in, crop, 25, 16, window, Filter::kBicubic), flipped;
  Resizer().Resize(in, crop, 25, 16, window, Filter::kBicubic, &flipped, true);
  for (int y = 0; y < straight.height; ++y) {
    for (int x = 0; x < 21; ++x) {
      for (int c = 0; c < 3; ++c) ASSERT_EQ(flipped.row(y)[3 * x + c], straight.row(y)[3 * (20 - x) + c]) << x << ", " << y;
    }
  }
}

TEST(ResizerTest, StandsExtremeShapes) {
  const Image thin = SyntheticImage(20000, 1, 3);
  const Image out = Resized(thin, {0, 0, 20000, 1}, 256 * 20000, 256, {2559888, 16, 224, 224}, Filter::kBicubic);
  EXPECT_EQ(out.pixels.size(), 224u * 224u * 3u);
  const Image dot = Resized(thin, {0, 0, 20000, 1}, 1, 1, {0, 0, 1, 1}, Filter::kBilinear);
  EXPECT_NEAR(dot.pixels[0], 127, 20);
}

}  // namespace
}  // namespace deit::pixels
