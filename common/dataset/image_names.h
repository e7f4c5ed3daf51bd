// Image file extensions.
#pragma once

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace deit::dataset {

// torchvision's IMG_EXTENSIONS, all of which worker/data decodes; case does not matter.
inline bool IsImageName(absl::string_view name) {
  constexpr absl::string_view kEndings[] = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"};
  return std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](absl::string_view ending) { return absl::EndsWithIgnoreCase(name, ending); });
}

}  // namespace deit::dataset
