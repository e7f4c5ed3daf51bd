// A decoded picture: 8-bit samples, interleaved, rows from the top without padding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace deit::data {

// Reused from image to image: Reset() allocates only when an image is larger than all before it.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;  // 1: gray, 3: RGB
  std::vector<uint8_t> pixels;

  void Reset(int new_width, int new_height, int new_channels) {
    width = new_width;
    height = new_height;
    channels = new_channels;
    pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(channels));
  }
  uint8_t* row(int y) { return pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(width) * static_cast<size_t>(channels); }
  const uint8_t* row(int y) const {
    return pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(width) * static_cast<size_t>(channels);
  }
};

// Largest pictures that are decoded; refused from the header alone, before anything is allocated for them.
inline constexpr int kMaxImageSide = 32768;
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 27;

// DataLoss for any other size.
absl::Status CheckImageSize(int64_t width, int64_t height);

// Both decode `bytes` (a whole file) into `image`, as gray or RGB whatever the file holds: gray files give 1 channel, all others 3.
// Alpha is dropped, palettes are expanded, 16-bit samples are cut to 8 bits: what Pillow's convert("RGB") gives for the usual kinds.
// CMYK becomes RGB by Pillow's formula; gamma chunks and EXIF rotation are ignored, as in torchvision. Thread-safe, and nothing is kept
// from picture to picture. Errors: DataLoss with the decoder's own words (the caller adds the path); `image` is then anything.
absl::Status DecodeJpeg(absl::string_view bytes, Image* image);
absl::Status DecodePng(absl::string_view bytes, Image* image);

// By the first bytes, not by the name: JPEG or PNG, else DataLoss.
absl::Status DecodeImage(absl::string_view bytes, Image* image);

// `image` with `channels` (1 or 3): gray is replicated; RGB becomes Pillow's L = (19595 R + 38470 G + 7471 B + 32768) >> 16.
void ConvertChannels(int channels, Image* image);

}  // namespace deit::data
