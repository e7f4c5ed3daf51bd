// The kinds of elements that travel, and their sums.
#pragma once

#include <cstddef>

namespace deit::collective {

enum class ElementType { kUint8, kFloat32, kBFloat16, kUint64 };

// Bytes of one element.
size_t SizeOf(ElementType type);

// target[i] += source[i] for `count` elements in host memory. bfloat16: added in fp32, rounded to nearest even; integers wrap.
void AddInto(ElementType type, void* target, const void* source, size_t count);

}  // namespace deit::collective
