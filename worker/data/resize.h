// Pillow's antialiased resize, bit for bit: separable, horizontal then vertical, 8-bit samples between, weights of 22 fractional bits.
// (Pillow up to 12. Pillow 13 begins with the vertical pass where the height shrinks much more, and rounds differently.)
// https://github.com/python-pillow/Pillow, src/libImaging/Resample.c. Bicubic has a = -0.5, unlike torch's F.interpolate.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/data/image.h"

namespace deit::data {

enum class Filter { kBilinear, kBicubic };

// Pixels [left, left + width) x [top, top + height).
struct Rectangle {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  friend bool operator==(const Rectangle&, const Rectangle&) = default;
};

// Keeps its tables and the picture between the two passes, so that repeated calls allocate nothing. One thread at a time.
class Resizer {
 public:
  // `crop` of `in` (inside it, not empty), scaled to width x height, of which `window` is computed (inside, not empty): Pillow's
  // in.crop(crop).resize(width, height).crop(window), so nothing outside `crop` is looked at. `out` is not `in`; it gets window's size.
  void Resize(const Image& in, const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter, Image* out);

 private:
  // For each output sample: which inputs it takes, and their weights.
  struct Taps {
    int stride = 0;          // weights per output
    std::vector<int> first;  // input of an output's first weight
    std::vector<int> count;
    std::vector<int32_t> weights;
    std::vector<double> exact;  // one output's weights before rounding
    // For outputs [begin, begin + outputs) of out_size.
    void Prepare(int in_size, int out_size, int begin, int outputs, Filter filter);
  };
  void Horizontal(const Image& in, const Rectangle& crop, int first_row, int rows);
  void Vertical(int first_row, Image* out);

  Taps across_;
  Taps down_;
  Image between_;
  std::vector<int32_t> sums_;
};

}  // namespace deit::data
