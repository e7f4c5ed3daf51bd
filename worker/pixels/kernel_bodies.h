// Inner loops of pixel_kernels.h, for the instruction set that the including source is compiled for. Included by pixel_kernels.cc (every
// processor) and pixel_kernels_avx2.cc; both give equal bytes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "worker/pixels/pixel_kernels.h"

#define DEIT_INLINE inline __attribute__((always_inline))

namespace deit::pixels {
namespace {

constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

#if defined(__AVX2__)
using Ints4 = __m128i;
using Doubles = __m256d;

DEIT_INLINE Ints4 LoadPixel(const uint8_t* from) {
  int32_t bytes;
  std::memcpy(&bytes, from, sizeof(bytes));
  return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
}
DEIT_INLINE Doubles LoadDoubles(const uint8_t* from) { return _mm256_cvtepi32_pd(LoadPixel(from)); }

// The first three of four whole numbers as bytes, cut to 0..255.
DEIT_INLINE void StorePixel(Ints4 values, uint8_t* to) {
  const __m128i words = _mm_packs_epi32(values, values);
  const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
  std::memcpy(to, &bytes, 3);
}
DEIT_INLINE void StoreDoubles(Doubles values, uint8_t* to) { StorePixel(_mm256_cvttpd_epi32(values), to); }
#endif

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

// ROWS rows of RGB outputs together: they share the work on the weights, and the wrong guesses of where a loop of 5 or 6 ends.
template <size_t ROWS>
DEIT_INLINE void ResizeRgbRows(const uint8_t* in, size_t pitch, [[maybe_unused]] size_t readable, const Taps& taps, uint8_t* out) {
  const size_t outputs = taps.first.size();
  for (size_t x = 0; x < outputs; ++x, out += 3) {
    const size_t first = 3 * static_cast<size_t>(taps.first[x]);
    const int32_t* weights = taps.of(x);
    const int count = taps.count[x];
#if defined(__AVX2__)
    // Two pixels at a time: six samples, and two of the next pixel that are not used. Weights beyond `count` are 0.
    if ((ROWS - 1) * pitch + first + 3 * static_cast<size_t>(count) + 5 <= readable) {
      const __m256i first_or_second = _mm256_setr_epi32(0, 0, 0, 1, 1, 1, 0, 0), second = _mm256_setr_epi32(3, 4, 5, 3, 4, 5, 3, 4);
      __m256i sums[ROWS];
      for (auto& sum : sums) sum = _mm256_setzero_si256();
      const uint8_t* pixels = in + first;
      for (int k = 0; k < count; k += 2, pixels += 6) {
        int64_t pair;
        std::memcpy(&pair, weights + k, sizeof(pair));
        const __m256i weight = _mm256_permutevar8x32_epi32(_mm256_set1_epi64x(pair), first_or_second);
        for (size_t r = 0; r < ROWS; ++r) {
          const __m256i samples = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixels + r * pitch)));
          sums[r] = _mm256_add_epi32(sums[r], _mm256_mullo_epi32(samples, weight));
        }
      }
      for (size_t r = 0; r < ROWS; ++r) {
        const __m256i sum = _mm256_add_epi32(sums[r], _mm256_permutevar8x32_epi32(sums[r], second));
        StorePixel(_mm_srai_epi32(_mm_add_epi32(_mm256_castsi256_si128(sum), _mm_set1_epi32(kHalf)), kWeightBits), out + r * 3 * outputs);
      }
      continue;
    }
#endif
    for (size_t r = 0; r < ROWS; ++r) ResizeSample<3>(in + r * pitch + first, weights, count, out + r * 3 * outputs);
  }
}

DEIT_INLINE void ResizeRowsBody(const uint8_t* in, size_t pitch, size_t rows, size_t readable, const Taps& taps, int channels,
                                uint8_t* out) {
  constexpr size_t kTogether = 4;
  const size_t outputs = taps.first.size();
  size_t y = 0;
  const auto skip = [&](size_t count) {
    in += count * pitch;
    readable -= count * pitch;
    out += count * outputs * static_cast<size_t>(channels);
    y += count;
  };
  if (channels == 1) {
    for (; y < rows; skip(1)) {
      for (size_t x = 0; x < outputs; ++x) ResizeSample<1>(in + taps.first[x], taps.of(x), taps.count[x], out + x);
    }
    return;
  }
  for (; y + kTogether <= rows; skip(kTogether)) ResizeRgbRows<kTogether>(in, pitch, readable, taps, out);
  for (; y < rows; skip(1)) ResizeRgbRows<1>(in, pitch, readable, taps, out);
}

DEIT_INLINE void ResizeColumnBody(const uint8_t* in, const int32_t* weights, int count, size_t samples, uint8_t* out) {
  size_t i = 0;
#if defined(__AVX2__)
  for (; i + 32 <= samples; i += 32) {  // sums that stay in registers
    __m256i sums[4];
    for (auto& sum : sums) sum = _mm256_set1_epi32(kHalf);
    const uint8_t* from = in + i;
    for (int k = 0; k < count; ++k, from += samples) {
      const __m256i weight = _mm256_set1_epi32(weights[k]);
      for (size_t v = 0; v < 4; ++v) {
        const __m256i row = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + 8 * v)));
        sums[v] = _mm256_add_epi32(sums[v], _mm256_mullo_epi32(row, weight));
      }
    }
    for (auto& sum : sums) sum = _mm256_srai_epi32(sum, kWeightBits);
    const __m256i words = _mm256_packs_epi32(sums[0], sums[1]), more = _mm256_packs_epi32(sums[2], sums[3]);
    // Packing goes by halves of the registers: their order is put right at the end.
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, more), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), bytes);
  }
#endif
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

// How to read a pixel's samples (and the next one's first), or one sample, as doubles.
#if defined(__AVX2__)
struct WholePixel {
  using Value = Doubles;
  DEIT_INLINE Doubles operator()(const uint8_t* from) const { return LoadDoubles(from); }
};
#endif
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
  [[maybe_unused]] const uint8_t* const end = in.pixels.data() + in.pixels.size();
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
#if defined(__AVX2__)
      if (channels == 3 && n.row[3] + n.column[3] + 4 <= end) {
        StoreDoubles(SampleAt(n, 0, cubic, WholePixel{}), to);  // truncates, then cuts
        continue;
      }
#endif
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

constexpr Kernels kKernelsHere = {
    [](const uint8_t* in, size_t pitch, size_t rows, size_t readable, const Taps& taps, int channels, uint8_t* out) {
      ResizeRowsBody(in, pitch, rows, readable, taps, channels, out);
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

}  // namespace
}  // namespace deit::pixels
