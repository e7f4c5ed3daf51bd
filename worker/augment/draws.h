// Uniform numbers of a range, drawn from a random stream.
#pragma once

#include <cstdint>

#include "common/plan/philox.h"

namespace deit::augment {

// From [low, high).
inline double Uniform(double low, double high, plan::RandomStream* random) { return low + (high - low) * random->Uniform(); }

// One of 0, 1, ..., `largest`, which is not negative.
inline int UpTo(int largest, plan::RandomStream* random) { return static_cast<int>(random->Below(static_cast<uint64_t>(largest) + 1)); }

}  // namespace deit::augment
