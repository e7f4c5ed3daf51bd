// Numbers out of bytes in little-endian order.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::torch_save {

// The number at byte `at`; all of it must be in `bytes`.
template <typename T>
T LittleEndian(absl::string_view bytes, size_t at) {
  DEIT_CHECK(at <= bytes.size() && sizeof(T) <= bytes.size() - at, "byte ", at, " of ", bytes.size());
  T value = 0;
  for (size_t i = sizeof(T); i-- > 0;) value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[at + i]));
  return value;
}

}  // namespace deit::torch_save
