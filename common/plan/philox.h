// Counter-based random numbers: every value is a pure function of (seed, index, purpose, sub, draw). No generator state exists,
// so none is saved, and a view, a mask or a weight is the same on every worker at any time.
// Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; test vectors from Random123.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "common/base/status.h"

namespace deit::plan {

using PhiloxBlock = std::array<uint32_t, 4>;

// The ten-round bijection of 128-bit counters under a 64-bit key.
inline PhiloxBlock Philox4x32(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// What a stream of numbers is for: streams of different purposes are independent. Values are part of what a job's result depends
// on: never changed, never reused, below 256.
enum class Purpose : uint32_t {
  kEpochOrder = 1,
  kCrop = 2,
  kFlip = 3,
  kDropPath = 4,
  kDropout = 5,
  kInitialWeights = 6,
  kSyntheticImage = 7,
  kMixing = 8,
  kErasing = 9,
  kAugment = 10,
  kLabelled = 11,
  kColourJitter = 12,
  kInterpolation = 13,
  kReplacement = 14,
};

// The numbers of one (seed, index, purpose, sub), in order: up to 2^34 words, then they repeat. The key is the seed; the counter
// is (draw / 4, purpose << 24 | sub, index). `index` is a position, step, epoch or tensor number; `sub` (below 2^24) tells apart
// streams of one index and purpose, such as the layers of a model. Cheap to make: nothing is computed before the first draw.
// Not thread-safe; each user makes its own.
class RandomStream {
 public:
  RandomStream(uint64_t seed, uint64_t index, Purpose purpose, uint32_t sub = 0)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}, counter_{0, static_cast<uint32_t>(purpose) << 24 | sub,
                                                                                       static_cast<uint32_t>(index),
                                                                                       static_cast<uint32_t>(index >> 32)} {
    DEIT_CHECK(sub < (1U << 24), "sub=", sub);
  }

  uint32_t Next32() {
    if (used_ == 4) {
      words_ = Philox4x32(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return words_[used_++];
  }

  // Two words, the first one low.
  uint64_t Next64() {
    const uint64_t low = Next32();
    return uint64_t{Next32()} << 32 | low;
  }

  // In [0, 1), a multiple of 2^-53. Takes two words.
  double Uniform() { return static_cast<double>(Next64() >> 11) * 0x1p-53; }

  // Uniform in [0, n), n >= 1, without bias. Takes two words, with probability below n / 2^64 two more (Lemire,
  // "Fast random integer generation in an interval", 2019).
  uint64_t Below(uint64_t n) {
    DEIT_CHECK(n > 0);
    Product product = static_cast<Product>(Next64()) * n;
    if (static_cast<uint64_t>(product) < n) {
      const uint64_t threshold = (0 - n) % n;
      while (static_cast<uint64_t>(product) < threshold) product = static_cast<Product>(Next64()) * n;
    }
    return static_cast<uint64_t>(product >> 64);
  }

  // Standard normal by Box and Muller's cosine half. Takes four words. Bits depend on libm's log and cos.
  double Normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * Uniform());
  }

 private:
  __extension__ using Product = unsigned __int128;

  std::array<uint32_t, 2> key_;
  PhiloxBlock counter_;
  PhiloxBlock words_{};
  uint32_t used_ = 4;
};

}  // namespace deit::plan
