#include "worker/preview/contact_sheet.h"

#include <gtest/gtest.h>

#include "tests/support/synthetic_image.h"
#include "worker/data/decode_image.h"
#include "worker/preview/font.h"

namespace deit::preview {
namespace {

using ::deit::testing::SyntheticImage;

int DotsOf(char character) {
  int dots = 0;
  for (int x = 0; x < kGlyphWidth; ++x) dots += __builtin_popcount(GlyphColumn(character, x));
  return dots;
}

TEST(FontTest, EachCharacterHasItsOwnDots) {
  EXPECT_EQ(DotsOf(' '), 0);
  for (char a = '!'; a <= '~'; ++a) {
    EXPECT_GT(DotsOf(a), 0) << a;
    for (char b = '!'; b < a; ++b) {
      bool same = true;
      for (int x = 0; x < kGlyphWidth; ++x) same &= GlyphColumn(a, x) == GlyphColumn(b, x);
      EXPECT_FALSE(same) << a << " and " << b;
    }
  }
  for (int x = 0; x < kGlyphWidth; ++x) EXPECT_EQ(GlyphColumn('\xc3', x), GlyphColumn('?', x));
}

TEST(ContactSheetTest, ShowsEveryPictureAndItsCaptions) {
  std::vector<Tile> tiles;
  for (int k = 0; k < 6; ++k) tiles.push_back({SyntheticImage(160, 160, k % 2 == 0 ? 3 : 1), {"cat", "Rotate 27"}});
  const pixels::Image sheet = ContactSheet(tiles);
  EXPECT_EQ(sheet.width, 10 + 3 * 170);  // 3 x 2 tiles
  EXPECT_EQ(sheet.height, 10 + 2 * (160 + 4 + 2 * 10 + 10));
  for (int k = 0; k < 6; ++k) {
    const int left = 10 + k % 3 * 170, top = 10 + k / 3 * 194;
    const pixels::Image& picture = tiles[static_cast<size_t>(k)].picture;
    for (int y = 0; y < 160; y += 13) {
      for (int x = 0; x < 160; x += 7) {
        for (int c = 0; c < 3; ++c) {
          EXPECT_EQ(sheet.row(top + y)[3 * (left + x) + c], picture.row(y)[x * picture.channels + (picture.channels == 3 ? c : 0)]);
        }
      }
    }
    int bright = 0, dim = 0;  // dots of the two captions
    for (int y = 0; y < 10; ++y) {
      for (int x = 0; x < 160; ++x) {
        bright += sheet.row(top + 164 + y)[3 * (left + x)] == 240;
        dim += sheet.row(top + 174 + y)[3 * (left + x)] == 150;
      }
    }
    EXPECT_EQ(bright, DotsOf('c') + DotsOf('a') + DotsOf('t'));
    EXPECT_GT(dim, 50);
  }
}

TEST(ContactSheetTest, EnlargesSmallPicturesAndCutsLongCaptions) {
  const std::vector<Tile> tiles(1, {SyntheticImage(28, 28, 1), {std::string(500, 'W')}});
  const pixels::Image sheet = ContactSheet(tiles);
  EXPECT_EQ(sheet.width, 20 + 5 * 28);
  for (int y = 0; y < sheet.height; ++y) EXPECT_EQ(sheet.row(y)[3 * (sheet.width - 5)], 24) << "the margin stays empty";
}

TEST(EncodePngTest, IsReadBackAsItWas) {
  for (const int channels : {1, 3}) {
    const pixels::Image image = SyntheticImage(37, 21, channels);
    pixels::Image back;
    ASSERT_TRUE(data::DecodeImage(EncodePng(image), &back).ok());
    EXPECT_EQ(back.width, 37);
    EXPECT_EQ(back.channels, channels);
    EXPECT_EQ(back.pixels, image.pixels);
  }
}

}  // namespace
}  // namespace deit::preview
