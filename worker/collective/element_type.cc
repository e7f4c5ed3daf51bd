#include "worker/collective/element_type.h"

#include <bit>
#include <cstdint>

#include "common/base/status.h"

namespace deit::collective {
namespace {

float FromBFloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

// Round to nearest, ties to even; NaN stays a (quiet) NaN.
uint16_t ToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

template <typename T>
void Add(void* target, const void* source, size_t count) {
  T* to = static_cast<T*>(target);
  const T* from = static_cast<const T*>(source);
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<T>(to[i] + from[i]);
}

void AddBFloat16(void* target, const void* source, size_t count) {
  uint16_t* to = static_cast<uint16_t*>(target);
  const uint16_t* from = static_cast<const uint16_t*>(source);
  for (size_t i = 0; i < count; ++i) to[i] = ToBFloat16(FromBFloat16(to[i]) + FromBFloat16(from[i]));
}

}  // namespace

size_t SizeOf(ElementType type) {
  switch (type) {
    case ElementType::kUint8: return 1;
    case ElementType::kBFloat16: return 2;
    case ElementType::kFloat32: return 4;
    case ElementType::kUint64: return 8;
  }
  DEIT_CHECK(false, "element type ", static_cast<int>(type));
}

void AddInto(ElementType type, void* target, const void* source, size_t count) {
  switch (type) {
    case ElementType::kUint8: return Add<uint8_t>(target, source, count);
    case ElementType::kBFloat16: return AddBFloat16(target, source, count);
    case ElementType::kFloat32: return Add<float>(target, source, count);
    case ElementType::kUint64: return Add<uint64_t>(target, source, count);
  }
}

}  // namespace deit::collective
