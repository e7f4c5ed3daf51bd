// Pillow's antialiased resize, bit for bit: separable, horizontal then vertical, 8-bit samples between, weights of 22 fractional bits.
// (Pillow up to 12. Pillow 13 begins with the vertical pass where the height shrinks much more, and rounds differently.)
// https://github.com/python-pillow/Pillow, src/libImaging/Resample.c. Bicubic has a = -0.5, unlike torch's F.interpolate.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/pixels/image.h"
#include "worker/pixels/pixel_kernels.h"

namespace deit::pixels {

// What Resize() looks at of its picture: inside `crop`, not empty. Arguments as there.
Rectangle SourceOf(const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter);

// Keeps its tables and the picture between the two passes, so that repeated calls allocate nothing. One thread at a time.
class Resizer {
 public:
  explicit Resizer(const Kernels& kernels = NativeKernels()) : kernels_(kernels) {}

  // `crop` of `in` (not empty), scaled to width x height, of which `window` is computed (inside, not empty): Pillow's
  // in.crop(crop).resize(width, height).crop(window), so nothing outside `crop` is looked at; `in` holds SourceOf() at least, and `crop` may
  // reach beyond it. `out` is not `in`; it gets window's size, left to right where `flip` says so. `filter`: all but kNearest.
  void Resize(const Image& in, const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter, Image* out,
              bool flip = false);

 private:
  void Prepare(int in_begin, int in_size, int out_size, int begin, int outputs, bool flip, Filter filter, Taps* taps);
  void Horizontal(const Image& in, int first_row, int rows);
  void Vertical(int first_row, Image* out);

  const Kernels& kernels_;
  Taps across_;
  Taps down_;
  std::vector<double> exact_;  // one output's weights before rounding
  Image between_;
};

}  // namespace deit::pixels
