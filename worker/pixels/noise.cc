#include "worker/pixels/noise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "common/base/target_clones.h"
#include "common/plan/philox_blocks.h"

#define DEIT_CLONES DEIT_TARGET_CLONES("arch=x86-64-v4", "arch=x86-64-v3")
#define DEIT_INLINE inline __attribute__((always_inline))

namespace deit::pixels {
namespace {

constexpr size_t kBlocks = plan::kPhiloxBlocks;  // at a time
constexpr size_t kNumbers = 4 * kBlocks;
using Words = std::array<uint32_t, kNumbers>;

// Blocks first .. first + kBlocks - 1 of the key, as RandomStream counts them.
DEIT_INLINE void PhiloxBlocks(const NoiseKey& key, uint64_t first, Words* words) {
  plan::PhiloxWords c;
  plan::SixteenBlocks(key.seed, key.index, key.purpose, key.sub, static_cast<uint32_t>(first), &c);
  for (size_t i = 0; i < kBlocks; ++i) {
    for (size_t w = 0; w < 4; ++w) (*words)[4 * i + w] = c[w][i];
  }
}

// ln(v) for v in (0, 1], to 1e-7 absolute (Cephes logf).
DEIT_INLINE float Log(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  int32_t exponent = static_cast<int32_t>(bits >> 23) - 126;
  float m = std::bit_cast<float>((bits & 0x007FFFFFu) | 0x3F000000u);  // in [0.5, 1)
  const bool small = m < 0.707106781186547524f;
  exponent -= small ? 1 : 0;
  m = small ? m + m - 1.0f : m - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const auto e = static_cast<float>(exponent);
  return (m + (p * m * z - e * 2.12194440e-4f - 0.5f * z)) + e * 0.693359375f;
}

DEIT_INLINE float Normal(uint32_t word) {
  const float x = (static_cast<float>(static_cast<int32_t>(word >> 9)) + 0.5f) * 0x1p-22f - 1.0f;  // (-1, 1), never 0
  float w = -Log((1.0f - x) * (1.0f + x));
  const float near = w - 2.5f, far = std::sqrt(w) - 3.0f;
  float a = 2.81022636e-08f * near + 3.43273939e-07f;
  a = a * near - 3.5233877e-06f;
  a = a * near - 4.39150654e-06f;
  a = a * near + 0.00021858087f;
  a = a * near - 0.00125372503f;
  a = a * near - 0.00417768164f;
  a = a * near + 0.246640727f;
  a = a * near + 1.50140941f;
  float b = -0.000200214257f * far + 0.000100950558f;
  b = b * far + 0.00134934322f;
  b = b * far - 0.00367342844f;
  b = b * far + 0.00573950773f;
  b = b * far - 0.0076224613f;
  b = b * far + 0.00943887047f;
  b = b * far + 1.00167406f;
  b = b * far + 2.83297682f;
  return 1.41421356f * x * (w < 5.0f ? a : b);
}

DEIT_INLINE void NumbersBody(const NoiseKey& key, uint64_t block, float* out) {
  Words words;
  PhiloxBlocks(key, block, &words);
  for (size_t i = 0; i < kNumbers; ++i) out[i] = Normal(words[i]);
}

DEIT_CLONES void NativeNumbers(const NoiseKey& key, uint64_t block, float* out) { NumbersBody(key, block, out); }
void PortableNumbers(const NoiseKey& key, uint64_t block, float* out) { NumbersBody(key, block, out); }

}  // namespace

void FillNormal(const NoiseKey& key, uint64_t first, size_t count, float* out, Code code) {
  std::array<float, kNumbers> numbers;
  for (uint64_t group = first / kNumbers; count > 0; ++group) {
    (code == Code::kNative ? NativeNumbers : PortableNumbers)(key, group * kBlocks, numbers.data());
    const auto begin = static_cast<size_t>(first % kNumbers);
    const size_t taken = std::min(count, kNumbers - begin);
    out = std::copy_n(numbers.data() + begin, taken, out);
    first += taken;
    count -= taken;
  }
}

}  // namespace deit::pixels
