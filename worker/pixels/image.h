// Image in memory: 8-bit samples, interleaved, rows from the top without padding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace deit::pixels {

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
  size_t row_bytes() const { return static_cast<size_t>(width) * static_cast<size_t>(channels); }
  uint8_t* row(int y) { return pixels.data() + static_cast<size_t>(y) * row_bytes(); }
  const uint8_t* row(int y) const { return pixels.data() + static_cast<size_t>(y) * row_bytes(); }
};

// One value per channel; gray uses the first.
using Colour = std::array<uint8_t, 3>;

// Pixels [left, left + width) x [top, top + height).
struct Rectangle {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  friend bool operator==(const Rectangle&, const Rectangle&) = default;
};

// How pictures are interpolated, under Pillow's names. Resizing knows all but kNearest; affine maps know the first three.
enum class Filter { kNearest, kBilinear, kBicubic, kBox, kLanczos };

// Pillow's convert("L"): (19595 R + 38470 G + 7471 B + 32768) >> 16.
inline uint8_t Luminance(const uint8_t* rgb) {
  return static_cast<uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

// `image` with `channels` (1 or 3): gray is replicated; RGB becomes its luminance.
void ConvertChannels(int channels, Image* image);

}  // namespace deit::pixels
