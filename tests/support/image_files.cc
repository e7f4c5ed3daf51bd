#include "tests/support/image_files.h"

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>  // wants <cstdio> before it
#include <png.h>

namespace deit::testing {

std::string EncodeJpeg(int width, int height, const JpegKind& kind, const std::string& samples) {
  jpeg_error_mgr errors;
  jpeg_compress_struct jpeg{};
  jpeg.err = jpeg_std_error(&errors);  // exits on misuse
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.input_components = kind.channels;
  jpeg.in_color_space = kind.channels == 1 ? JCS_GRAYSCALE : kind.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  if (kind.channels == 4) jpeg_set_colorspace(&jpeg, JCS_YCCK);
  jpeg_set_quality(&jpeg, kind.quality, TRUE);
  for (int c = 0; c < kind.channels; ++c) {
    jpeg.comp_info[c].h_samp_factor = c % 3 == 0 ? kind.across : 1;
    jpeg.comp_info[c].v_samp_factor = c % 3 == 0 ? kind.down : 1;
  }
  jpeg.arith_code = kind.arithmetic ? TRUE : FALSE;
  jpeg.restart_interval = static_cast<unsigned>(kind.restart_interval);
  if (kind.progressive) jpeg_simple_progression(&jpeg);
  std::array<jpeg_scan_info, 4> scans{};
  if (!kind.interleaved) {
    for (int c = 0; c < kind.channels; ++c) scans[static_cast<size_t>(c)] = {1, {c}, 0, DCTSIZE2 - 1, 0, 0};
    jpeg.scan_info = scans.data();
    jpeg.num_scans = kind.channels;
  }
  if (kind.scans > 0) jpeg.num_scans = kind.scans;
  jpeg_start_compress(&jpeg, TRUE);
  const size_t row_bytes = static_cast<size_t>(width) * static_cast<size_t>(kind.channels);
  std::string row;
  while (jpeg.next_scanline < jpeg.image_height) {
    row = samples.substr(jpeg.next_scanline * row_bytes, row_bytes);
    auto* pointer = reinterpret_cast<JSAMPROW>(row.data());
    jpeg_write_scanlines(&jpeg, &pointer, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  jpeg_destroy_compress(&jpeg);
  return file;
}

std::string EncodeJpeg(int width, int height, int channels, const std::string& samples, int quality) {
  return EncodeJpeg(width, height, {.channels = channels, .quality = quality}, samples);
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
