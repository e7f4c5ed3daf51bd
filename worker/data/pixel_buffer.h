// Memory for normalised pixels, on 4,096-byte bounds (law 1: kernels round by alignment).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "common/base/status.h"

namespace deit::data {

inline constexpr size_t kPixelAlignment = 4096;  // bytes

struct FreePixels {
  void operator()(float* pixels) const { std::free(pixels); }
};
using PixelBuffer = std::unique_ptr<float[], FreePixels>;

// `count` floats, not initialised. ResourceExhausted where memory does not suffice.
inline StatusOr<PixelBuffer> AllocatePixels(size_t count) {
  const size_t bytes = (count * sizeof(float) + kPixelAlignment - 1) / kPixelAlignment * kPixelAlignment;
  PixelBuffer buffer(static_cast<float*>(std::aligned_alloc(kPixelAlignment, bytes)));
  if (buffer == nullptr) return absl::ResourceExhaustedError(absl::StrCat("pixel buffer of ", bytes, " bytes: out of memory"));
  return buffer;
}

}  // namespace deit::data
