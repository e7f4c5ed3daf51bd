// IEEE 754 binary16 conversion in plain integer arithmetic, so that teacher outputs have the same bytes on every machine.
#pragma once

#include <cstdint>

namespace deit::teacher {

// Round to nearest, ties to even; overflow gives infinity, NaN stays NaN (quiet), subnormals are kept.
uint16_t HalfFromFloat(float value);

// Exact.
float FloatFromHalf(uint16_t half);

}  // namespace deit::teacher
