// The bytes of small JPEG and PNG files.
#pragma once

#include <string>
#include <vector>

namespace deit::testing {

struct JpegKind {
  int channels = 3;  // 1: gray, 3: RGB, 4: CMYK (inverted, as Adobe stores it)
  int quality = 95;
  int across = 1;  // samples of luminance (and black) for one of the other components
  int down = 1;
  bool progressive = false;
  int scans = 0;             // of a progressive file; 0: all, fewer leave coefficients open
  bool interleaved = true;   // else a scan per component
  int restart_interval = 0;  // MCUs
  bool arithmetic = false;
};

// Samples are interleaved rows without padding.
std::string EncodeJpeg(int width, int height, const JpegKind& kind, const std::string& samples);
std::string EncodeJpeg(int width, int height, int channels, const std::string& samples, int quality = 95);

struct PngKind {
  int color_type;  // PNG_COLOR_TYPE_*
  int bit_depth = 8;
  bool interlaced = false;
  std::vector<unsigned char> palette = {};  // RGB triples
  std::vector<unsigned char> palette_alpha = {};
};

// `rows` are packed as PNG packs them. Rows that are missing at the end are left out, which makes a broken file.
std::string EncodePng(int width, int height, const PngKind& kind, const std::string& rows);

}  // namespace deit::testing
