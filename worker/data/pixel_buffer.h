// Memory for normalised pixels, on 4,096-byte bounds (law 1: kernels round by alignment).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "common/base/out_of_memory.h"

namespace deit::data {

inline constexpr size_t kPixelAlignment = 4096;  // bytes

struct FreePixels {
  void operator()(float* pixels) const { std::free(pixels); }  // NOLINT(cppcoreguidelines-no-malloc): aligned_alloc has no other end
};
using PixelBuffer = std::unique_ptr<float[], FreePixels>;

// `count` floats, not initialised. Errors: OutOfMemory.
inline StatusOr<PixelBuffer> AllocatePixels(size_t count) {
  const size_t bytes = (count * sizeof(float) + kPixelAlignment - 1) / kPixelAlignment * kPixelAlignment;
  PixelBuffer buffer(static_cast<float*>(std::aligned_alloc(kPixelAlignment, bytes)));
  if (buffer == nullptr) return OutOfMemory(absl::StrCat("pixel buffer of ", bytes, " bytes"));
  return buffer;
}

}  // namespace deit::data
