// Pictures that a formula gives, the same one in tests/parity/pixels.py.
#pragma once

#include <cstdint>

#include "worker/pixels/image.h"

namespace deit::testing {

// kNoise: every value, no neighbour like the other. kSmooth: a gradient between 60 and 123. kFlat: one colour.
enum class Texture { kNoise, kSmooth, kFlat };

inline pixels::Image SyntheticImage(int width, int height, int channels, Texture texture = Texture::kNoise) {
  pixels::Image image;
  image.Reset(width, height, channels);
  uint8_t* sample = image.pixels.data();
  for (uint32_t y = 0; y < static_cast<uint32_t>(height); ++y) {
    for (uint32_t x = 0; x < static_cast<uint32_t>(width); ++x) {
      for (uint32_t c = 0; c < static_cast<uint32_t>(channels); ++c) {
        const uint32_t noise = (x * 2654435761u + y * 40503u + c * 7919u + x * y * 31u) >> 7 & 255u;
        const uint32_t smooth = 60 + (2 * x + 3 * y + 17 * c) % 64;
        *sample++ = static_cast<uint8_t>(texture == Texture::kNoise ? noise : texture == Texture::kSmooth ? smooth : 40 + 70 * c);
      }
    }
  }
  return image;
}

}  // namespace deit::testing
