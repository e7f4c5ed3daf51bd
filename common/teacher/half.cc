#include "common/teacher/half.h"

#include <bit>

namespace deit::teacher {
namespace {

constexpr uint32_t kInfinityHalf = 0x7C00;

// value / 2^shift, to nearest, ties to even; shift 1 .. 31.
uint32_t ShiftRounded(uint32_t value, uint32_t shift) {
  const uint32_t half = 1U << (shift - 1);
  const uint32_t rest = value & ((1U << shift) - 1);
  const uint32_t quotient = value >> shift;
  return quotient + (rest > half || (rest == half && (quotient & 1) != 0) ? 1 : 0);
}

}  // namespace

uint16_t HalfFromFloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t exponent = bits >> 23 & 0xFF;
  const uint32_t mantissa = bits & 0x7FFFFF;
  uint32_t magnitude = 0;
  if (exponent == 0xFF) {
    magnitude = kInfinityHalf | (mantissa != 0 ? 0x200 | mantissa >> 13 : 0);
  } else if (exponent >= 113) {  // normal; a carry out of the mantissa raises the exponent, at the top to infinity
    magnitude = exponent > 142 ? kInfinityHalf : ShiftRounded((exponent - 112) << 23 | mantissa, 13);
  } else if (exponent >= 102) {  // subnormal, in units of 2^-24
    magnitude = ShiftRounded(mantissa | 0x800000, 126 - exponent);
  }
  return static_cast<uint16_t>(sign | magnitude);
}

float FloatFromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000 | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

}  // namespace deit::teacher
