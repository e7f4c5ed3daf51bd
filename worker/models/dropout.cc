#include "worker/models/dropout.h"

#include <algorithm>
#include <cmath>

#include "common/plan/philox.h"
#include "worker/models/simd.h"

#define DEIT_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

namespace deit::models {
namespace {

using kernels::Fill;
using kernels::Floats;
using kernels::FromBits;
using kernels::kLanes;
using kernels::Words;

constexpr int64_t kWords = 4;  // of a Philox block

// plan::Philox4x32 of 16 counters at once, each word in a vector of its own. The products are loops that compilers widen.
DEIT_INLINE void SixteenBlocks(const DropoutKey& key, uint32_t first, uint32_t (&words)[kWords][kLanes]) {
  uint32_t key0 = static_cast<uint32_t>(key.seed), key1 = static_cast<uint32_t>(key.seed >> 32);
  for (int64_t l = 0; l < kLanes; ++l) {
    words[0][l] = first + static_cast<uint32_t>(l);
    words[1][l] = static_cast<uint32_t>(plan::Purpose::kDropout) << 24 | key.layer;
    words[2][l] = static_cast<uint32_t>(key.position);
    words[3][l] = static_cast<uint32_t>(key.position >> 32);
  }
  for (int round = 0; round < 10; ++round) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const uint64_t product0 = uint64_t{0xD2511F53} * words[0][l];
      const uint64_t product1 = uint64_t{0xCD9E8D57} * words[2][l];
      words[0][l] = static_cast<uint32_t>(product1 >> 32) ^ words[1][l] ^ key0;
      words[1][l] = static_cast<uint32_t>(product1);
      words[2][l] = static_cast<uint32_t>(product0 >> 32) ^ words[3][l] ^ key1;
      words[3][l] = static_cast<uint32_t>(product0);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
}

template <typename T>
DEIT_INLINE void DropoutBody(const DropoutKey& key, double rate, int64_t count, T* values) {
  const uint32_t threshold = static_cast<uint32_t>(std::llround(rate * 0x1p32));
  const Words scale = kernels::BitsOf(Fill(static_cast<float>(1 / (1 - rate))));
  uint32_t words[kWords][kLanes];
  for (int64_t begin = 0; begin < count; begin += kWords * kLanes) {
    SixteenBlocks(key, static_cast<uint32_t>(begin / kWords), words);
    for (int64_t w = 0; w < kWords; ++w) {
      const int64_t at = begin + w * kLanes, here = std::min(kLanes, count - at);
      if (here <= 0) return;
      Words draws;
      std::memcpy(&draws, words[w], sizeof(draws));
      const Floats factor = FromBits(scale & __builtin_bit_cast(Words, draws >= threshold));
      if (here == kLanes) {
        kernels::Store(values + at, kernels::Load(values + at) * factor);
        continue;
      }
      T tail[kLanes] = {};
      std::copy_n(values + at, here, tail);
      kernels::Store(tail, kernels::Load(tail) * factor);
      std::copy_n(tail, here, values + at);
    }
  }
}

}  // namespace

template <>
DEIT_CLONES void Dropout(const DropoutKey& key, double rate, int64_t count, float* values) {
  DropoutBody(key, rate, count, values);
}

template <>
DEIT_CLONES void Dropout(const DropoutKey& key, double rate, int64_t count, kernels::Bf16* values) {
  DropoutBody(key, rate, count, values);
}

}  // namespace deit::models
