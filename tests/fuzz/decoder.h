// Shared body of the fuzz targets of the picture decoders.
#pragma once

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "worker/data/decode_image.h"

namespace deit::testing {

// Decodes `bytes`; a picture that comes out has all its samples.
inline void FuzzDecoder(Status (*decode)(absl::string_view, data::Image*), absl::string_view bytes) {
  static data::Image image;
  if (!decode(bytes, &image).ok()) return;
  const size_t samples = static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * static_cast<size_t>(image.channels);
  DEIT_CHECK(samples > 0 && image.pixels.size() == samples, "pixels=", image.pixels.size());
}

}  // namespace deit::testing
