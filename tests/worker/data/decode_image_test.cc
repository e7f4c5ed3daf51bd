#include "worker/data/decode_image.h"

#include <png.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/image_files.h"

namespace deit::data {
namespace {

using ::deit::testing::EncodeJpeg;
using ::deit::testing::EncodePng;
using ::deit::testing::PngKind;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::string Bytes(std::initializer_list<int> values) { return {values.begin(), values.end()}; }

Image Decoded(const std::string& file) {
  Image image;
  const Status status = DecodeImage(file, &image);
  EXPECT_TRUE(status.ok()) << status;
  return image;
}

struct Kind {
  const char* name;
  PngKind kind;
  int width, height;
  std::string rows;
  int channels;
  std::vector<int> expected;
};

std::vector<Kind> Kinds() {
  return {
      {"gray", {.color_type = PNG_COLOR_TYPE_GRAY}, 2, 2, Bytes({1, 2, 3, 4}), 1, {1, 2, 3, 4}},
      {"RGB", {.color_type = PNG_COLOR_TYPE_RGB}, 2, 1, Bytes({1, 2, 3, 4, 5, 6}), 3, {1, 2, 3, 4, 5, 6}},
      {"RGBA", {.color_type = PNG_COLOR_TYPE_RGB_ALPHA}, 2, 1, Bytes({1, 2, 3, 0, 4, 5, 6, 128}), 3, {1, 2, 3, 4, 5, 6}},
      {"gray and alpha", {.color_type = PNG_COLOR_TYPE_GRAY_ALPHA}, 2, 1, Bytes({7, 0, 8, 255}), 1, {7, 8}},
      {"gray of 1 bit", {.color_type = PNG_COLOR_TYPE_GRAY, .bit_depth = 1}, 3, 1, Bytes({0xa0}), 1, {255, 0, 255}},
      {"gray of 16 bits", {.color_type = PNG_COLOR_TYPE_GRAY, .bit_depth = 16}, 2, 1, Bytes({1, 200, 0, 3}), 1, {255, 3}},
      {"palette of 4 bits",
       {.color_type = PNG_COLOR_TYPE_PALETTE, .bit_depth = 4, .palette = {9, 8, 7, 6, 5, 4}},
       2,
       1,
       Bytes({0x10}),
       3,
       {6, 5, 4, 9, 8, 7}},
      {"palette with alpha",
       {.color_type = PNG_COLOR_TYPE_PALETTE, .palette = {9, 8, 7, 6, 5, 4}, .palette_alpha = {0}},
       2,
       1,
       Bytes({0, 1}),
       3,
       {9, 8, 7, 6, 5, 4}},
      {"interlaced", {.color_type = PNG_COLOR_TYPE_GRAY, .interlaced = true}, 3, 2, Bytes({1, 2, 3, 4, 5, 6}), 1, {1, 2, 3, 4, 5, 6}},
  };
}

TEST(DecodePngTest, ExpandsEveryKindToGrayOrRgb) {
  for (const Kind& kind : Kinds()) {
    SCOPED_TRACE(kind.name);
    const Image image = Decoded(EncodePng(kind.width, kind.height, kind.kind, kind.rows));
    EXPECT_EQ(image.width, kind.width);
    EXPECT_EQ(image.height, kind.height);
    EXPECT_EQ(image.channels, kind.channels);
    EXPECT_THAT(image.pixels, ElementsAreArray(kind.expected));
  }
}

// Every truncation of `file` is refused, or shows the whole's samples; how many are shown.
int ShownTruncations(const std::string& file) {
  const Image whole = Decoded(file);
  int shown = 0;
  for (size_t size = 0; size < file.size(); ++size) {
    Image image;
    const Status status = DecodeImage(file.substr(0, size), &image);
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss) << status;
    if (!status.ok()) continue;
    EXPECT_EQ(image.pixels, whole.pixels) << size << " of " << file.size();
    ++shown;
  }
  return shown;
}

TEST(DecodePngTest, ShowsATruncatedFileOnlyWhereItHasEverySample) {
  for (const bool interlaced : {false, true}) {
    for (const int height : {1, 2, 3}) {
      const PngKind kind{.color_type = PNG_COLOR_TYPE_RGB, .interlaced = interlaced};
      const int shown = ShownTruncations(EncodePng(3, height, kind, std::string(static_cast<size_t>(9 * height), 'x')));
      EXPECT_GE(shown, 16) << "without the end chunk, the checksum of the data's chunk, or that of the data";
      EXPECT_LE(shown, 26) << "and no more than a few bytes of compressed data";
    }
  }
}

TEST(DecodePngTest, RefusesAWrongChecksumOfEachCriticalChunkButTheEnd) {
  const std::string file = EncodePng(3, 3, {.color_type = PNG_COLOR_TYPE_RGB}, std::string(27, 'x'));
  int chunks = 0;
  for (size_t chunk = 8; chunk < file.size(); ++chunks) {  // length, type, data, checksum
    const auto byte = [&](size_t k) { return static_cast<size_t>(static_cast<uint8_t>(file[chunk + k])); };
    const size_t checksum = chunk + 8 + (byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3));
    std::string damaged = file;
    damaged[checksum + 3] = static_cast<char>(damaged[checksum + 3] ^ 1);
    Image image;
    const std::string type = file.substr(chunk + 4, 4);
    EXPECT_EQ(DecodeImage(damaged, &image).code(), type == "IEND" ? absl::StatusCode::kOk : absl::StatusCode::kDataLoss) << type;
    chunk = checksum + 4;
  }
  EXPECT_GE(chunks, 3) << "IHDR, IDAT, IEND";
}

// A smooth picture: each sample is near its neighbours, as JPEG likes it.
std::string Smooth(int width, int height, int channels) {
  std::string samples;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) samples += static_cast<char>(60 + 3 * x + 2 * y + 20 * c);
    }
  }
  return samples;
}

TEST(DecodeJpegTest, KeepsGrayGrayAndRgbRgb) {
  for (const int channels : {1, 3}) {
    const std::string samples = Smooth(20, 12, channels);
    const Image image = Decoded(EncodeJpeg(20, 12, channels, samples));
    EXPECT_EQ(image.width, 20);
    EXPECT_EQ(image.height, 12);
    ASSERT_EQ(image.channels, channels);
    for (size_t i = 0; i < samples.size(); ++i) EXPECT_NEAR(image.pixels[i], static_cast<uint8_t>(samples[i]), 6) << i;
  }
}

TEST(DecodeJpegTest, TurnsCmykIntoRgb) {
  // Stored inverted: C 0, M 51, Y 102 with K 51 is RGB 204 * (1 - 0, 1 - 0.2, 1 - 0.4).
  std::string samples;
  for (int i = 0; i < 64; ++i) samples += Bytes({255, 204, 153, 204});
  const Image image = Decoded(EncodeJpeg(8, 8, 4, samples, 100));
  ASSERT_EQ(image.channels, 3);
  ASSERT_EQ(image.pixels.size(), 192u);
  EXPECT_NEAR(image.pixels[0], 204, 3);
  EXPECT_NEAR(image.pixels[1], 163, 3);
  EXPECT_NEAR(image.pixels[2], 122, 3);
}

TEST(DecodeJpegTest, ShowsATruncatedFileOnlyWhereItHasEverySample) {
  for (const int channels : {1, 3, 4}) {
    const int shown = ShownTruncations(EncodeJpeg(20, 12, channels, Smooth(20, 12, channels)));
    EXPECT_GE(shown, 2) << "without one or both bytes of the end marker";
    EXPECT_LE(shown, 4);
  }
}

TEST(DecodeImageTest, StandsEveryDamagedByte) {
  Image image;
  for (const std::string& good : {EncodeJpeg(20, 12, 3, Smooth(20, 12, 3)),
                                  EncodePng(20, 12, {.color_type = PNG_COLOR_TYPE_RGB, .interlaced = true}, Smooth(20, 12, 3))}) {
    for (size_t at = 0; at < good.size(); ++at) {
      for (const int change : {1, 0x80, 0xff}) {
        std::string file = good;
        file[at] = static_cast<char>(file[at] ^ change);
        const Status status = DecodeImage(file, &image);
        EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss) << status;
      }
    }
  }
}

TEST(DecodeImageTest, DecodesTheNextPictureAfterADamagedOne) {
  const std::string samples = Smooth(20, 12, 3);
  for (const std::string& good : {EncodeJpeg(20, 12, 3, samples), EncodePng(20, 12, {.color_type = PNG_COLOR_TYPE_RGB}, samples)}) {
    const Image expected = Decoded(good);
    Image image;
    for (size_t at = 0; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0xff);
      (void)DecodeImage(bad, &image);
      ASSERT_EQ(Decoded(good).pixels, expected.pixels) << "after damage at " << at;
    }
  }
}

TEST(DecodeImageTest, RefusesSizesBeforeTakingMemoryForThem) {
  Image image;
  for (const auto& [width, height] : {std::pair{32769, 1}, {1, 32769}, {16384, 16384}}) {
    const std::string png = EncodePng(width, height, {.color_type = PNG_COLOR_TYPE_GRAY}, "") + Bytes({0, 0, 0, 9, 'I', 'D', 'A', 'T'});
    const Status status = DecodeImage(png, &image);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("picture of ", width, " x ", height)));
  }
  std::string jpeg = EncodeJpeg(8, 8, 1, std::string(64, 'x'));
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, Bytes({0xff, 0xdc, 0xff, 0xdc}));  // 65500 x 65500
  EXPECT_THAT(std::string(DecodeImage(jpeg, &image).message()), HasSubstr("picture of 65500 x 65500"));
  EXPECT_LT(image.pixels.capacity(), size_t{1} << 20);
}

TEST(DecodeImageTest, SaysWhatItIsNot) {
  Image image;
  EXPECT_THAT(std::string(DecodeImage("GIF89a", &image).message()),
              HasSubstr("neither JPEG, PNG, PPM, BMP, TIFF nor WebP: it begins with \"GIF89a\""));
  EXPECT_THAT(std::string(DecodeImage("", &image).message()), HasSubstr("empty file"));
}

}  // namespace
}  // namespace deit::data
