// Sixteen Philox blocks of a stream at once, one array per word, for loops that compilers vectorise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/plan/philox.h"

namespace deit::plan {

inline constexpr size_t kPhiloxBlocks = 16;
using PhiloxWords = std::array<std::array<uint32_t, kPhiloxBlocks>, 4>;  // [word of its block][block]

// Blocks first .. first + 15 of RandomStream(seed, index, purpose, sub). Inlined, so that it takes the instruction set of the function around it.
__attribute__((always_inline)) inline void SixteenBlocks(uint64_t seed, uint64_t index, Purpose purpose, uint32_t sub, uint32_t first,
                                                         PhiloxWords* words) {
  PhiloxWords& c = *words;
  for (size_t i = 0; i < kPhiloxBlocks; ++i) {
    c[0][i] = first + static_cast<uint32_t>(i);
    c[1][i] = static_cast<uint32_t>(purpose) << 24 | sub;
    c[2][i] = static_cast<uint32_t>(index);
    c[3][i] = static_cast<uint32_t>(index >> 32);
  }
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    for (size_t i = 0; i < kPhiloxBlocks; ++i) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c[0][i], p1 = uint64_t{0xCD9E8D57} * c[2][i];
      const uint32_t c1 = c[1][i], c3 = c[3][i];
      c[0][i] = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c[1][i] = static_cast<uint32_t>(p1);
      c[2][i] = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c[3][i] = static_cast<uint32_t>(p0);
    }
  }
}

}  // namespace deit::plan
