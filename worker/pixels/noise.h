// Normal numbers by counter, many at a time. Number i of a key is a pure function of (key, i), with the same bits on every processor (no
// library function, nothing fused).
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/plan/philox.h"

namespace deit::pixels {

struct NoiseKey {
  uint64_t seed;
  uint64_t index;
  plan::Purpose purpose;
  uint32_t sub;
};

// What is compiled for the processor at hand, or for every processor of the architecture; for the test that compares both.
enum class Code { kNative, kPortable };

// Numbers first .. first + count - 1 of the key: standard normal, one Philox word each (so |number| < 5.5). The word's upper 23 bits are
// a point of (-1, 1), of which Giles's single-precision inverse of erf makes a normal number ("Approximating the erfinv function", GPU
// Computing Gems, 2012; error 4e-7 relative).
void FillNormal(const NoiseKey& key, uint64_t first, size_t count, float* out, Code code = Code::kNative);

}  // namespace deit::pixels
