// Parts of pictures beside the whole.
#pragma once

#include <algorithm>
#include <random>

#include "worker/data/decode_image.h"

namespace deit::testing {

// Somewhere in a picture of width x height: of any size, a quarter of all sides at a border, a quarter of them one pixel long.
inline pixels::Rectangle DrawPart(int width, int height, std::minstd_rand* random) {
  const auto below = [random](int bound) { return static_cast<int>((*random)() % static_cast<unsigned>(bound)); };
  const auto side = [&](int size, int* begin, int* length) {
    *begin = below(size);
    *length = 1 + below(size - *begin);
    switch (below(8)) {
      case 0: *length += *begin, *begin = 0; break;
      case 1: *length = size - *begin; break;
      case 2:
      case 3: *length = 1; break;
      default: break;
    }
  };
  pixels::Rectangle part;
  side(width, &part.left, &part.width);
  side(height, &part.top, &part.height);
  return part;
}

// Whether picture.part is there, sample for sample as in the whole.
inline bool IsPartOf(const data::Picture& picture, const data::Image& whole) {
  const pixels::Rectangle& part = picture.part;
  const data::Image& image = picture.image;
  const int left = part.left - picture.left, top = part.top - picture.top;
  if (picture.width != whole.width || picture.height != whole.height || image.channels != whole.channels) return false;
  if (!data::Holds(data::WholeImage(whole.width, whole.height), part)) return false;
  if (!data::Holds(data::WholeImage(image.width, image.height), {left, top, part.width, part.height})) return false;
  for (int y = 0; y < part.height; ++y) {
    const uint8_t* row = image.row(top + y) + left * image.channels;
    if (!std::equal(row, row + part.width * image.channels, whole.row(part.top + y) + part.left * image.channels)) return false;
  }
  return true;
}

}  // namespace deit::testing
