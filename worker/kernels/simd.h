// Vectors of 16 floats for transformer_kernels.cc, by the compiler's vector extensions: one source for every instruction set. Everything
// here is inlined into the function that uses it and takes that function's instruction set, so how vectors are passed does not matter.
#pragma once

#include <cstdint>
#include <cstring>

#include "worker/kernels/transformer_kernels.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
#define DEIT_INLINE inline __attribute__((always_inline))

namespace deit::kernels {

inline constexpr int64_t kLanes = 16;
using Floats = float __attribute__((vector_size(64)));
using Words = uint32_t __attribute__((vector_size(64)));
using Mask = int32_t __attribute__((vector_size(64)));
using Halves = uint16_t __attribute__((vector_size(32)));

DEIT_INLINE Words BitsOf(Floats v) { return __builtin_bit_cast(Words, v); }
DEIT_INLINE Floats FromBits(Words v) { return __builtin_bit_cast(Floats, v); }
DEIT_INLINE Floats Fill(float value) { return Floats{} + value; }

DEIT_INLINE Floats Load(const float* from) {
  Floats v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}
DEIT_INLINE Floats Load(const Bf16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof(halves));
  return FromBits(__builtin_convertvector(halves, Words) << 16);
}
DEIT_INLINE void Store(float* to, Floats v) { std::memcpy(to, &v, sizeof(v)); }
DEIT_INLINE void Store(Bf16* to, Floats v) {  // to nearest, ties to even
  const Words bits = BitsOf(v);
  const Words rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const Halves halves = __builtin_convertvector(v == v ? rounded : Words{} + 0x7FC0, Halves);
  std::memcpy(to, &halves, sizeof(halves));
}

// How a body reads and writes the vector that begins at an element of a row.
struct Whole {
  template <typename T>
  DEIT_INLINE Floats Read(const T* from, float = 0) const {
    return Load(from);
  }
  template <typename T>
  DEIT_INLINE void Write(T* to, Floats v) const {
    Store(to, v);
  }
};
// The end of a row that has other vectors before it: `count` elements in the last lanes. Lanes before them read `fill` and are not changed.
struct Tail {
  explicit DEIT_INLINE Tail(int64_t count) : shift(kLanes - count) {
    for (int64_t i = 0; i < kLanes; ++i) active[i] = i < shift ? 0 : -1;
  }
  template <typename T>
  DEIT_INLINE Floats Read(const T* from, float fill = 0) const {
    return active ? Load(from - shift) : Fill(fill);
  }
  template <typename T>
  DEIT_INLINE void Write(T* to, Floats v) const {
    Store(to - shift, active ? v : Load(to - shift));
  }

  int64_t shift;
  Mask active;
};
// A row shorter than a vector, in the first lanes.
struct Short {
  template <typename T>
  DEIT_INLINE Floats Read(const T* from, float fill = 0) const {
    T lanes[kLanes] = {};
    for (int64_t i = 0; i < count; ++i) lanes[i] = from[i];
    Floats v = Load(lanes);
    for (int64_t i = count; i < kLanes; ++i) v[i] = fill;
    return v;
  }
  template <typename T>
  DEIT_INLINE void Write(T* to, Floats v) const {
    T lanes[kLanes];
    Store(lanes, v);
    for (int64_t i = 0; i < count; ++i) to[i] = lanes[i];
  }

  int64_t count;
};

// body(first element, access) for each vector of a row of `count` elements.
template <typename Body>
DEIT_INLINE void ForEachVector(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, Whole{});
  if (i == count) return;
  if (count > kLanes) {
    body(i, Tail(count - i));
  } else {
    body(i, Short{count});
  }
}

// Halves of a vector, for reductions in a fixed order.
template <typename Vector>
struct Halved {
  Vector low;
  Vector high;
};
using Floats8 = float __attribute__((vector_size(32)));
using Floats4 = float __attribute__((vector_size(16)));

DEIT_INLINE float Sum(Floats v) {
  const auto by8 = __builtin_bit_cast(Halved<Floats8>, v);
  const auto by4 = __builtin_bit_cast(Halved<Floats4>, by8.low + by8.high);
  const Floats4 four = by4.low + by4.high;
  return (four[0] + four[2]) + (four[1] + four[3]);
}

DEIT_INLINE float Largest(Floats v) {
  const auto by8 = __builtin_bit_cast(Halved<Floats8>, v);
  const auto by4 = __builtin_bit_cast(Halved<Floats4>, by8.low > by8.high ? by8.low : by8.high);
  const Floats4 four = by4.low > by4.high ? by4.low : by4.high;
  const float even = four[0] > four[2] ? four[0] : four[2];
  const float odd = four[1] > four[3] ? four[1] : four[3];
  return even > odd ? even : odd;
}

// e^x for x <= 0 to 2 ulp (Cephes expf); below -87.3 its value there (about 1e-38); not-a-number stays.
DEIT_INLINE Floats Exp(Floats x) {
  x = x < Fill(-87.33654F) ? Fill(-87.33654F) : x;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const Floats shifted = x * 1.44269504088896341F + kRound;
  const Words n = BitsOf(shifted) - BitsOf(Fill(kRound));
  const Floats whole = shifted - kRound;
  const Floats r = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
  Floats p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  return p * FromBits((n + 127U) << 23);
}

// Phi(u), the standard normal distribution, to 3e-7: (1 + erf(u / sqrt 2)) / 2 with the rational erf of Eigen's generic_fast_erf_float.
DEIT_INLINE Floats NormalCdf(Floats u) {
  Floats x = u * 0.70710678118654752F;
  x = x < -4.0F ? Fill(-4.0F) : x;
  x = x > 4.0F ? Fill(4.0F) : x;
  const Floats y = x * x;
  Floats p = y * -2.72614225801306e-10F + 2.77068142495902e-08F;
  p = p * y - 2.10102402082508e-06F;
  p = p * y - 5.69250639462346e-05F;
  p = p * y - 7.34990630326855e-04F;
  p = p * y - 2.95459980854025e-03F;
  p = p * y - 1.60960333262415e-02F;
  Floats q = y * -1.45660718464996e-05F - 2.13374055278905e-04F;
  q = q * y - 1.68282697438203e-03F;
  q = q * y - 7.37332916720468e-03F;
  q = q * y - 1.42647390514189e-02F;
  return x * p / q * 0.5F + 0.5F;
}
// phi(u), the standard normal density.
DEIT_INLINE Floats NormalDensity(Floats u) { return Exp(u * u * -0.5F) * 0.39894228040143268F; }

}  // namespace deit::kernels

#pragma GCC diagnostic pop
