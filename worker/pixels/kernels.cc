#include "worker/pixels/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// One body per kernel, always inlined, so that it takes the instruction set of the function around it.
#define DEIT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define DEIT_INLINE inline __attribute__((always_inline))

namespace deit::pixels {
namespace {

constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

using Ints4 = int32_t __attribute__((vector_size(16)));
using Ints16 = int32_t __attribute__((vector_size(64)));
using Bytes4 = uint8_t __attribute__((vector_size(4)));
using Bytes16 = uint8_t __attribute__((vector_size(16)));
using Doubles = double __attribute__((vector_size(32)));

template <typename Vector>
DEIT_INLINE Vector LoadAs(const uint8_t* from) {
  Vector v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

DEIT_INLINE Ints4 LoadPixel(const uint8_t* from) { return __builtin_convertvector(LoadAs<Bytes4>(from), Ints4); }

template <typename Ints>
DEIT_INLINE Ints ClipSums(Ints sums) {
  sums >>= kWeightBits;
  sums = sums < 0 ? Ints{} : sums;
  return sums > 255 ? Ints{} + 255 : sums;
}

DEIT_INLINE uint8_t ClipSum(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

// One output of CHANNELS samples, without reading past them.
template <size_t CHANNELS>
DEIT_INLINE void ResizeSample(const uint8_t* pixel, const int32_t* weights, int count, uint8_t* out) {
  int32_t sums[CHANNELS];
  std::fill_n(sums, CHANNELS, kHalf);
  for (int k = 0; k < count; ++k, pixel += CHANNELS) {
    for (size_t c = 0; c < CHANNELS; ++c) sums[c] += pixel[c] * weights[k];
  }
  for (size_t c = 0; c < CHANNELS; ++c) out[c] = ClipSum(sums[c]);
}

DEIT_INLINE void ResizeRowBody(const uint8_t* in, size_t readable, const Taps& taps, int channels, uint8_t* out) {
  const size_t outputs = taps.first.size();
  if (channels == 1) {
    for (size_t x = 0; x < outputs; ++x) ResizeSample<1>(in + taps.first[x], taps.of(x), taps.count[x], out + x);
    return;
  }
  for (size_t x = 0; x < outputs; ++x, out += 3) {
    const size_t first = 3 * static_cast<size_t>(taps.first[x]);
    const int32_t* weights = taps.of(x);
    const int count = taps.count[x];
    if (first + 3 * static_cast<size_t>(count) + 1 > readable) {  // a vector holds four samples: the next pixel's first one too
      ResizeSample<3>(in + first, weights, count, out);
      continue;
    }
    Ints4 sums = Ints4{} + kHalf;
    const uint8_t* pixel = in + first;
    for (int k = 0; k < count; ++k, pixel += 3) sums += LoadPixel(pixel) * weights[k];
    const Bytes4 result = __builtin_convertvector(ClipSums(sums), Bytes4);
    std::memcpy(out, &result, 3);
  }
}

DEIT_INLINE void ResizeColumnBody(const uint8_t* in, const int32_t* weights, int count, size_t samples, uint8_t* out) {
  constexpr size_t kVectors = 4, kStep = 16 * kVectors;  // sums that stay in registers
  size_t i = 0;
  for (; i + kStep <= samples; i += kStep) {
    Ints16 sums[kVectors];
    for (auto& sum : sums) sum = Ints16{} + kHalf;
    const uint8_t* from = in + i;
    for (int k = 0; k < count; ++k, from += samples) {
      for (size_t v = 0; v < kVectors; ++v) sums[v] += __builtin_convertvector(LoadAs<Bytes16>(from + 16 * v), Ints16) * weights[k];
    }
    for (size_t v = 0; v < kVectors; ++v) {
      const Bytes16 result = __builtin_convertvector(ClipSums(sums[v]), Bytes16);
      std::memcpy(out + i + 16 * v, &result, sizeof(result));
    }
  }
  for (; i < samples; ++i) {
    int32_t sum = kHalf;
    const uint8_t* from = in + i;
    for (int k = 0; k < count; ++k, from += samples) sum += *from * weights[k];
    out[i] = ClipSum(sum);
  }
}

// Pillow's cubic through v1..v4 (a = -1) at d in [0, 1) from v2, in its order of operations.
template <typename Value>
DEIT_INLINE Value Cubic(Value v1, Value v2, Value v3, Value v4, double d) {
  const Value p2 = v3 - v1;
  const Value p3 = 2 * (v1 - v2) + v3 - v4;
  const Value p4 = v2 - v1 - v3 + v4;
  return v2 + d * (p2 + d * (p3 + d * p4));
}

template <typename Value>
DEIT_INLINE Value Linear(Value a, Value b, double d) {
  return a + (b - a) * d;
}

// How to read the four samples of a pixel, or one sample of it, as doubles.
struct WholePixel {
  using Value = Doubles;
  DEIT_INLINE Doubles operator()(const uint8_t* from) const { return __builtin_convertvector(LoadPixel(from), Doubles); }
};
struct OneSample {
  using Value = double;
  DEIT_INLINE double operator()(const uint8_t* from) const { return *from; }
};

// The four rows and columns around a source point: byte offsets, clamped to the picture.
struct Neighbours {
  const uint8_t* row[4];
  size_t column[4];
  double dx, dy;
};

// A picture's sample where the fraction is 0 is that sample: the polynomial's other terms are exact zeros then, and are left out.
template <typename Read>
DEIT_INLINE typename Read::Value BicubicAt(const Neighbours& n, size_t channel, Read read) {
  const auto across = [&](const uint8_t* row) __attribute__((always_inline)) {
    const uint8_t* from = row + channel;
    if (n.dx == 0) return read(from + n.column[1]);
    return Cubic(read(from + n.column[0]), read(from + n.column[1]), read(from + n.column[2]), read(from + n.column[3]), n.dx);
  };
  if (n.dy == 0) return across(n.row[1]);
  return Cubic(across(n.row[0]), across(n.row[1]), across(n.row[2]), across(n.row[3]), n.dy);
}

template <typename Read>
DEIT_INLINE typename Read::Value BilinearAt(const Neighbours& n, size_t channel, Read read) {
  const auto across = [&](const uint8_t* row) __attribute__((always_inline)) {
    return Linear(read(row + channel + n.column[1]), read(row + channel + n.column[2]), n.dx);
  };
  return Linear(across(n.row[1]), across(n.row[2]), n.dy);
}

template <typename Read>
DEIT_INLINE typename Read::Value SampleAt(const Neighbours& n, size_t channel, bool cubic, Read read) {
  return cubic ? BicubicAt(n, channel, read) : BilinearAt(n, channel, read);
}

DEIT_INLINE void AffineBody(const Image& in, const AffineMap& map, Filter filter, const Colour& fill, Image* out) {
  const bool cubic = filter == Filter::kBicubic;
  const int width = in.width, height = in.height;
  const auto channels = static_cast<size_t>(in.channels);
  const uint8_t* const end = in.pixels.data() + in.pixels.size();
  uint8_t* to = out->pixels.data();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x, to += channels) {
      const double px = x + 0.5, py = y + 0.5;
      const double sx = map.a * px + map.b * py + map.c, sy = map.d * px + map.e * py + map.f;
      if (!(sx >= 0 && sx < width && sy >= 0 && sy < height)) {
        std::copy_n(fill.data(), channels, to);
        continue;
      }
      const double left = std::floor(sx - 0.5), top = std::floor(sy - 0.5);
      Neighbours n;
      n.dx = sx - 0.5 - left;
      n.dy = sy - 0.5 - top;
      for (int k = 0; k < 4; ++k) {
        n.row[k] = in.row(std::clamp(static_cast<int>(top) + k - 1, 0, height - 1));
        n.column[k] = static_cast<size_t>(std::clamp(static_cast<int>(left) + k - 1, 0, width - 1)) * channels;
      }
      if (channels == 3 && n.row[3] + n.column[3] + 4 <= end) {
        const Doubles value = SampleAt(n, 0, cubic, WholePixel{});
        Ints4 whole = __builtin_convertvector(value, Ints4);  // truncates
        whole = whole < 0 ? Ints4{} : whole;
        const Bytes4 result = __builtin_convertvector(whole > 255 ? Ints4{} + 255 : whole, Bytes4);
        std::memcpy(to, &result, 3);
        continue;
      }
      for (size_t c = 0; c < channels; ++c) {
        to[c] = static_cast<uint8_t>(std::clamp(SampleAt(n, c, cubic, OneSample{}), 0.0, 255.0));
      }
    }
  }
}

DEIT_INLINE void BlendBody(const uint8_t* degenerate, float factor, size_t samples, uint8_t* image) {
  for (size_t i = 0; i < samples; ++i) {
    const float base = degenerate[i];
    const float value = base + factor * static_cast<float>(image[i] - degenerate[i]);
    image[i] = static_cast<uint8_t>(std::min(std::max(value, 0.0f), 255.0f));
  }
}

// Pillow computes sum / 13 + 0.5 in float and truncates. The exact value is never nearer than 1/26 to a whole number, so integers agree.
DEIT_INLINE void SmoothRowBody(const uint8_t* above, const uint8_t* row, const uint8_t* below, size_t begin, size_t end, size_t channels,
                               uint8_t* out) {
  const auto three = [channels](const uint8_t* from, size_t i) __attribute__((always_inline)) {
    return static_cast<uint32_t>(from[i - channels]) + from[i] + from[i + channels];
  };
  for (size_t i = begin; i < end; ++i) {
    const uint32_t sum = three(above, i) + three(row, i) + three(below, i) + 4u * row[i];
    out[i] = static_cast<uint8_t>((2 * sum + 13) / 26);
  }
}

DEIT_INLINE void GrayBody(const uint8_t* rgb, size_t pixels, uint8_t* out) {
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t gray = Luminance(rgb + 3 * i);
    out[3 * i] = gray;
    out[3 * i + 1] = gray;
    out[3 * i + 2] = gray;
  }
}

// The native ones. The portable ones below have the same bodies without clones.
DEIT_CLONES void ResizeRow(const uint8_t* in, size_t readable, const Taps& taps, int channels, uint8_t* out) {
  ResizeRowBody(in, readable, taps, channels, out);
}
DEIT_CLONES void ResizeColumn(const uint8_t* in, const int32_t* weights, int count, size_t samples, uint8_t* out) {
  ResizeColumnBody(in, weights, count, samples, out);
}
DEIT_CLONES void Affine(const Image& in, const AffineMap& map, Filter filter, const Colour& fill, Image* out) {
  AffineBody(in, map, filter, fill, out);
}
DEIT_CLONES void Blend(const uint8_t* degenerate, float factor, size_t samples, uint8_t* image) {
  BlendBody(degenerate, factor, samples, image);
}
DEIT_CLONES void SmoothRow(const uint8_t* above, const uint8_t* row, const uint8_t* below, size_t begin, size_t end, size_t channels,
                           uint8_t* out) {
  SmoothRowBody(above, row, below, begin, end, channels, out);
}
DEIT_CLONES void Gray(const uint8_t* rgb, size_t pixels, uint8_t* out) { GrayBody(rgb, pixels, out); }

}  // namespace

const Kernels& PortableKernels() {
  static constexpr Kernels kKernels = {
      [](const uint8_t* in, size_t readable, const Taps& taps, int channels, uint8_t* out) {
        ResizeRowBody(in, readable, taps, channels, out);
      },
      [](const uint8_t* in, const int32_t* weights, int count, size_t samples, uint8_t* out) {
        ResizeColumnBody(in, weights, count, samples, out);
      },
      [](const Image& in, const AffineMap& map, Filter filter, const Colour& fill, Image* out) { AffineBody(in, map, filter, fill, out); },
      [](const uint8_t* degenerate, float factor, size_t samples, uint8_t* image) { BlendBody(degenerate, factor, samples, image); },
      [](const uint8_t* above, const uint8_t* row, const uint8_t* below, size_t begin, size_t end, size_t channels, uint8_t* out) {
        SmoothRowBody(above, row, below, begin, end, channels, out);
      },
      [](const uint8_t* rgb, size_t pixels, uint8_t* out) { GrayBody(rgb, pixels, out); }};
  return kKernels;
}

const Kernels& NativeKernels() {
  static constexpr Kernels kKernels = {ResizeRow, ResizeColumn, Affine, Blend, SmoothRow, Gray};
  return kKernels;
}

}  // namespace deit::pixels
