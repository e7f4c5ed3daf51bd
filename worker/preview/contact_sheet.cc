#include "worker/preview/contact_sheet.h"

#include <png.h>

#include <algorithm>
#include <cmath>

#include "common/text/printable.h"
#include "worker/preview/font.h"

namespace deit::preview {
namespace {

using pixels::Colour;
using pixels::Image;

constexpr Colour kBackground = {24, 26, 30}, kBright = {240, 240, 236}, kDim = {150, 156, 166};
constexpr int kMargin = 10, kLineHeight = kGlyphHeight + 3, kAdvance = kGlyphWidth + 1;
constexpr int kSmallest = 128;  // pictures are enlarged to at least this

void Dot(Image* sheet, int x, int y, const Colour& colour) {
  if (x >= 0 && x < sheet->width && y >= 0 && y < sheet->height) std::copy(colour.begin(), colour.end(), sheet->row(y) + 3 * x);
}

void DrawText(Image* sheet, int left, int top, const std::string& text, const Colour& colour) {
  for (const char character : text) {
    for (int x = 0; x < kGlyphWidth; ++x) {
      const uint8_t column = GlyphColumn(character, x);
      for (int y = 0; y < kGlyphHeight; ++y) {
        if ((column >> y & 1) != 0) Dot(sheet, left + x, top + y, colour);
      }
    }
    left += kAdvance;
  }
}

void DrawImage(Image* sheet, int left, int top, const Image& picture, int scale) {
  for (int y = 0; y < picture.height * scale; ++y) {
    for (int x = 0; x < picture.width * scale; ++x) {
      const uint8_t* from = picture.row(y / scale) + x / scale * picture.channels;
      Dot(sheet, left + x, top + y, picture.channels == 3 ? Colour{from[0], from[1], from[2]} : Colour{from[0], from[0], from[0]});
    }
  }
}

void Append(png_structp png, png_bytep data, size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(data), size);
}

}  // namespace

Image ContactSheet(const std::vector<Tile>& tiles) {
  DEIT_CHECK(!tiles.empty());
  const Image& first = tiles.front().picture;
  const int scale = std::max(1, (kSmallest + first.width - 1) / first.width);
  size_t lines = 0;
  for (const Tile& tile : tiles) lines = std::max(lines, tile.captions.size());
  const int tile_width = first.width * scale, tile_height = first.height * scale + 4 + static_cast<int>(lines) * kLineHeight;
  const int count = static_cast<int>(tiles.size());
  const double square = std::sqrt(count * static_cast<double>(tile_height) / tile_width);
  const int columns = std::clamp(static_cast<int>(std::lround(square)), 1, count), rows = (count + columns - 1) / columns;
  Image sheet;
  sheet.Reset(kMargin + columns * (tile_width + kMargin), kMargin + rows * (tile_height + kMargin), 3);
  for (int y = 0; y < sheet.height; ++y) {
    for (int x = 0; x < sheet.width; ++x) Dot(&sheet, x, y, kBackground);
  }
  for (int i = 0; i < count; ++i) {
    const Tile& tile = tiles[static_cast<size_t>(i)];
    const int left = kMargin + i % columns * (tile_width + kMargin), top = kMargin + i / columns * (tile_height + kMargin);
    DrawImage(&sheet, left, top, tile.picture, scale);
    int y = top + first.height * scale + 4;
    for (const std::string& caption : tile.captions) {
      const auto width = static_cast<size_t>(std::max(3, tile_width / kAdvance));
      DrawText(&sheet, left, y, text::CutTo(caption, width), &caption == &tile.captions.front() ? kBright : kDim);
      y += kLineHeight;
    }
  }
  return sheet;
}

std::string EncodePng(const Image& image) {
  std::string file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);  // its errors are ours: it aborts
  DEIT_CHECK(png != nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &file, Append, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               image.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, 3);  // a third of the time of the default for a tenth more bytes
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_write_info(png, info);
  for (int y = 0; y < image.height; ++y) png_write_row(png, image.row(y));
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return file;
}

}  // namespace deit::preview
