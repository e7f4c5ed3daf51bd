// The bytes of small JPEG and PNG files.
#pragma once

#include <string>
#include <vector>

namespace deit::testing {

// Samples are interleaved rows without padding; 1 channel: gray, 3: RGB, 4: CMYK (inverted, as Adobe stores it).
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
