// Inner loops of pixel arithmetic, for the current processor (AVX2 where it has it) and for every processor of the architecture. Both give
// equal bytes: integers are exact, and floating point is neither fused nor reordered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "worker/pixels/image.h"

namespace deit::pixels {

// Of one direction of a resize: which inputs each output takes, and their weights (integers of 22 fractional bits).
struct Taps {
  int stride = 0;          // weights per output
  std::vector<int> first;  // input of an output's first weight
  std::vector<int> count;
  std::vector<int32_t> weights;
  const int32_t* of(size_t output) const { return weights.data() + output * static_cast<size_t>(stride); }
};

// The source point of the destination pixel (x, y) is (a (x+.5) + b (y+.5) + c, d (x+.5) + e (y+.5) + f): Pillow's order.
struct AffineMap {
  double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;
};

struct Kernels {
  // Each row of outputs from a row of inputs, `channels` samples each (1 or 3). Rows of inputs lie `pitch` samples apart, those of outputs
  // without gaps. `readable`: samples from `in` on that may be read.
  void (*resize_rows)(const uint8_t* in, size_t pitch, size_t rows, size_t readable, const Taps& taps, int channels, uint8_t* out);
  // One row of `samples` outputs: the sum of `count` rows that lie `samples` apart from `in` on.
  void (*resize_column)(const uint8_t* in, const int32_t* weights, int count, size_t samples, uint8_t* out);
  // `out` has in's size and is filled where the source point lies outside. `filter`: kBilinear or kBicubic.
  void (*affine)(const Image& in, const AffineMap& map, Filter filter, const Colour& fill, Image* out);
  // image = degenerate + factor * (image - degenerate), in float, cut to 0..255 and truncated: Pillow's blend.
  void (*blend)(const uint8_t* degenerate, float factor, size_t samples, uint8_t* image);
  // Pillow's SMOOTH of the samples [begin, end) of a row, with neighbours `channels` to the left and right.
  void (*smooth_row)(const uint8_t* above, const uint8_t* row, const uint8_t* below, size_t begin, size_t end, size_t channels,
                     uint8_t* out);
  // For each of `pixels` RGB pixels its luminance, three times.
  void (*gray)(const uint8_t* rgb, size_t pixels, uint8_t* out);
};

const Kernels& PortableKernels();
const Kernels& NativeKernels();  // what everything uses

}  // namespace deit::pixels
