#include "worker/kernels/dropout.h"

#include <algorithm>
#include <cmath>

#include "common/base/target_clones.h"
#include "common/plan/philox_blocks.h"
#include "worker/kernels/simd.h"

#define DEIT_CLONES DEIT_TARGET_CLONES("avx512f", "avx2")

namespace deit::kernels {
namespace {

using kernels::Fill;
using kernels::Floats;
using kernels::FromBits;
using kernels::kLanes;
using kernels::Words;

constexpr int64_t kWords = 4;  // of a Philox block
static_assert(kLanes == int64_t{plan::kPhiloxBlocks});

template <typename T>
DEIT_INLINE void DropoutBody(const DropoutKey& key, double rate, int64_t count, T* values) {
  const uint32_t threshold = static_cast<uint32_t>(std::llround(rate * 0x1p32));
  const Words scale = kernels::BitsOf(Fill(static_cast<float>(1 / (1 - rate))));
  plan::PhiloxWords words;
  for (int64_t begin = 0; begin < count; begin += kWords * kLanes) {
    plan::SixteenBlocks(key.seed, key.position, plan::Purpose::kDropout, key.layer, static_cast<uint32_t>(begin / kWords), &words);
    for (int64_t w = 0; w < kWords; ++w) {
      const int64_t at = begin + w * kLanes, here = std::min(kLanes, count - at);
      if (here <= 0) return;
      Words draws;
      std::memcpy(&draws, words[static_cast<size_t>(w)].data(), sizeof(draws));
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

}  // namespace deit::kernels
