// A part of a picture is what the whole has there, and what is wrong with a file is found wherever it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include "common/base/status.h"
#include "tests/support/image_files.h"
#include "tests/support/image_regions.h"
#include "tests/support/synthetic_image.h"

namespace deit::data {
namespace {

using ::deit::testing::DrawPart;
using ::deit::testing::EncodeJpeg;
using ::deit::testing::IsPartOf;
using ::deit::testing::JpegKind;
using pixels::Rectangle;

struct Size {
  int width, height;
};

std::string Jpeg(const JpegKind& kind, Size size) {
  const Image image = deit::testing::SyntheticImage(size.width, size.height, kind.channels);
  return EncodeJpeg(size.width, size.height, kind, {image.pixels.begin(), image.pixels.end()});
}

std::string Name(const JpegKind& kind) {
  return absl::StrCat(kind.channels, " channels ", kind.across, "x", kind.down, kind.progressive ? " progressive" : "",
                      " scans=", kind.scans, " restarts=", kind.restart_interval, kind.interleaved ? "" : " a scan per component",
                      kind.arithmetic ? " arithmetic" : "");
}

// Every way to code the same samples.
std::vector<JpegKind> Codings(const JpegKind& kind) {
  std::vector<JpegKind> kinds(7, kind);
  kinds[1].progressive = true;
  kinds[2].progressive = true;
  kinds[2].scans = 1;  // no more than the blocks' means
  kinds[3].progressive = true;
  kinds[3].scans = 3;
  kinds[4].restart_interval = 3;
  kinds[5].interleaved = false;
  kinds[6].arithmetic = true;
  return kinds;
}

std::vector<JpegKind> EveryKind() {
  std::vector<JpegKind> kinds;
  for (const auto& [across, down] : {std::pair{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {1, 4}, {3, 1}, {4, 2}, {2, 4}}) {
    for (const int channels : {1, 3, 4}) {
      if (channels == 4 && across * down > 4) continue;  // ten blocks at most make an MCU
      for (const JpegKind& kind : Codings({.channels = channels, .quality = 60, .across = across, .down = down})) kinds.push_back(kind);
    }
  }
  return kinds;
}

TEST(DecodePartTest, EqualsTheWholeForEveryKindOfJpeg) {
  std::minstd_rand random(1);
  Image whole;
  Picture picture;
  for (const JpegKind& kind : EveryKind()) {
    for (const Size size : {Size{1, 1}, {2, 3}, {37, 29}, {64, 48}, {131, 67}, {5, 150}, {150, 5}}) {
      SCOPED_TRACE(absl::StrCat(Name(kind), " ", size.width, " x ", size.height));
      const std::string file = Jpeg(kind, size);
      ASSERT_TRUE(DecodeImage(file, &whole).ok());
      for (int k = 0; k < 20; ++k) {
        Rectangle wanted;
        const auto draw = [&](int width, int height) { return wanted = DrawPart(width, height, &random); };
        const Status status = DecodeImage(file, draw, &picture);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_TRUE(Holds(picture.part, wanted));
        ASSERT_TRUE(IsPartOf(picture, whole)) << wanted.left << " " << wanted.top << " " << wanted.width << " " << wanted.height;
      }
    }
  }
}

Rectangle Centre(int width, int height) { return {width / 3, height / 3, width / 3, height / 3}; }

TEST(DecodePartTest, DecodesLittleMoreThanThePart) {
  Picture picture;
  for (const JpegKind& kind : EveryKind()) {
    ASSERT_TRUE(DecodeImage(Jpeg(kind, {300, 240}), Centre, &picture).ok());
    const bool whole = kind.scans > 0 || kind.down > 2;  // as blocks around would be missed, and the library errs
    EXPECT_EQ(picture.part, whole ? WholeImage(300, 240) : Centre(300, 240)) << Name(kind);
    EXPECT_EQ(picture.image.height, whole ? 240 : 80) << Name(kind);
    EXPECT_LE(picture.image.width, whole ? 300 : 100 + 8 * 4 + 4 * 4) << Name(kind);
  }
}

// Truncated and damaged above, inside, beside and below the part.
TEST(DecodePartTest, RefusesWhatTheWholeRefuses) {
  Image whole;
  Picture picture;
  int refused = 0, accepted = 0;
  for (const JpegKind& kind : Codings({.quality = 60, .across = 2, .down = 2})) {
    const std::string good = Jpeg(kind, {70, 90});
    for (size_t at = 2; at < good.size(); at += 13) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x5a);
      for (const std::string& file : {bad, good.substr(0, at)}) {
        const Status status = DecodeImage(file, &whole);
        ASSERT_EQ(DecodeImage(file, Centre, &picture), status) << Name(kind) << " at " << at;
        ASSERT_TRUE(!status.ok() || IsPartOf(picture, whole)) << Name(kind) << " at " << at;
        ++(status.ok() ? accepted : refused);
      }
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(accepted, 100) << "damage that only changes samples";
}

TEST(DecodePartTest, FindsDamageAfterTheLastRowOfThePart) {
  const std::string good = Jpeg({.restart_interval = 1}, {64, 64});
  Picture picture;
  const auto top = [](int width, int) { return Rectangle{0, 0, width, 1}; };
  ASSERT_TRUE(DecodeImage(good, top, &picture).ok());
  EXPECT_EQ(DecodeImage(good.substr(0, good.size() - 3), top, &picture).code(), absl::StatusCode::kDataLoss);
}

TEST(DecodePartTest, HoldsTheWholeOfOtherFormats) {
  const Image image = deit::testing::SyntheticImage(20, 12, 3);
  Picture picture;
  picture.left = picture.top = 7;  // of the picture before
  const std::string file = deit::testing::EncodePng(20, 12, {.color_type = PNG_COLOR_TYPE_RGB}, {image.pixels.begin(), image.pixels.end()});
  ASSERT_TRUE(DecodeImage(file, Centre, &picture).ok());
  EXPECT_EQ(picture.part, WholeImage(20, 12));
  EXPECT_TRUE(IsPartOf(picture, image));
}

}  // namespace
}  // namespace deit::data
