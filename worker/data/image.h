// From the bytes of a picture file to pixels.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "worker/pixels/image.h"

namespace deit::data {

using pixels::Image;

// Largest pictures that are decoded; refused from the header alone, before anything is allocated for them.
inline constexpr int kMaxImageSide = 32768;
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 27;

// DataLoss for any other size.
absl::Status CheckImageSize(int64_t width, int64_t height);

// Both decode `bytes` (a whole file) into `image`, as gray or RGB whatever the file holds: gray files give 1 channel, all others 3.
// Alpha is dropped, palettes are expanded, 16-bit samples are cut to 8 bits: what Pillow's convert("RGB") gives for the usual kinds.
// CMYK becomes RGB by Pillow's formula; gamma chunks and EXIF rotation are ignored, as in torchvision. Thread-safe, and nothing is kept
// from picture to picture. Errors: DataLoss with the decoder's own words (the caller adds the path); `image` is then anything.
absl::Status DecodeJpeg(absl::string_view bytes, Image* image);
absl::Status DecodePng(absl::string_view bytes, Image* image);

// By the first bytes, not by the name: JPEG or PNG, else DataLoss.
absl::Status DecodeImage(absl::string_view bytes, Image* image);

}  // namespace deit::data
