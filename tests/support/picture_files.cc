#include "tests/support/picture_files.h"

#include <png.h>
#include <turbojpeg.h>

#include <csetjmp>
#include <cstdlib>

namespace deit::testing {

std::string EncodeJpeg(int width, int height, int channels, const std::string& samples, int quality) {
  const tjhandle handle = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int format = channels == 1 ? TJPF_GRAY : channels == 3 ? TJPF_RGB : TJPF_CMYK;
  const int failed = tjCompress2(handle, reinterpret_cast<const unsigned char*>(samples.data()), width, 0, height, format, &bytes, &size,
                                 channels == 1 ? TJSAMP_GRAY : TJSAMP_444, quality, 0);
  if (failed != 0) std::abort();
  std::string file(reinterpret_cast<const char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(handle);
  return file;
}

namespace {

void Append(png_structp png, png_bytep data, size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(data), size);
}

std::vector<png_color> Colours(const std::vector<unsigned char>& palette) {
  std::vector<png_color> colours;
  for (size_t i = 0; i + 2 < palette.size(); i += 3) colours.push_back({palette[i], palette[i + 1], palette[i + 2]});
  return colours;
}

}  // namespace

std::string EncodePng(int width, int height, const PngKind& kind, const std::string& rows) {
  std::string file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);  // aborts on misuse
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &file, Append, nullptr);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), kind.bit_depth, kind.color_type,
               kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  const std::vector<png_color> colours = Colours(kind.palette);
  if (!colours.empty()) png_set_PLTE(png, info, colours.data(), static_cast<int>(colours.size()));
  if (!kind.palette_alpha.empty()) {
    png_set_tRNS(png, info, kind.palette_alpha.data(), static_cast<int>(kind.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  const int passes = png_set_interlace_handling(png);
  const size_t row_bytes = png_get_rowbytes(png, info);
  const bool whole = rows.size() == row_bytes * static_cast<size_t>(height);
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t at = 0; at + row_bytes <= rows.size(); at += row_bytes) {
      png_write_row(png, reinterpret_cast<const unsigned char*>(rows.data()) + at);
    }
  }
  if (whole) png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return file;
}

}  // namespace deit::testing
