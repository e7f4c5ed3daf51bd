// Image decoding: from the bytes of an image file to pixels.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
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

// What will be looked at of a picture of width x height: a part inside it, not empty.
using RegionOf = absl::FunctionRef<pixels::Rectangle(int width, int height)>;
inline pixels::Rectangle WholeImage(int width, int height) { return {0, 0, width, height}; }
inline bool Holds(const pixels::Rectangle& outer, const pixels::Rectangle& inner) {
  return outer.left <= inner.left && inner.left + inner.width <= outer.left + outer.width && outer.top <= inner.top &&
         inner.top + inner.height <= outer.top + outer.height;
}

// A picture of which at least a part is decoded. Reused as Image is.
struct Picture {
  int width = 0;  // of the whole
  int height = 0;
  pixels::Rectangle part;  // the samples that are there, each as in the whole
  int left = 0;            // where `image` begins in the whole; its samples around the part mean nothing
  int top = 0;
  Image image;

  void HoldWhole() {  // that `image` is
    width = image.width;
    height = image.height;
    part = WholeImage(width, height);
    left = top = 0;
  }
};

// These decode `bytes` (a whole file) into `image`, as gray or RGB: gray files give 1 channel, all others 3, with
// the samples that Pillow's convert("RGB") gives. Alpha is dropped, palettes are expanded, CMYK becomes RGB by Pillow's formula. Samples of
// 16 bits lose their lower byte, but gray PNG, PPM and TIFF files of 16 bits are cut off at 255 instead: what is brighter is white. Gamma
// chunks and EXIF rotation are ignored, as in torchvision; TIFF's own orientation counts, as there. Of animations and files of several
// pictures the first is shown. A file that has every sample is shown, though its end, or a checksum behind the samples, is missing; a wrong
// checksum of a PNG chunk with samples is refused. Thread-safe, and nothing is kept from picture to picture. Sizes are checked before anything is allocated.
// What differs from Pillow is listed in tests/parity/decoding.py. Errors: DataLoss with the decoder's own words, or the kind of file that
// is not read (the caller adds the path); `image` is then anything.
absl::Status DecodeJpeg(absl::string_view bytes, Image* image);  // baseline, progressive; gray, YCbCr, CMYK
absl::Status DecodePng(absl::string_view bytes, Image* image);
absl::Status DecodePpm(absl::string_view bytes, Image* image);   // P1 to P6; `bytes` begins with one of them
absl::Status DecodeBmp(absl::string_view bytes, Image* image);   // 1 to 32 bits, runs; Windows and OS/2
absl::Status DecodeTiff(absl::string_view bytes, Image* image);  // gray, RGB, palette, CMYK, JPEG's YCbCr; strips, tiles, planes
absl::Status DecodeWebp(absl::string_view bytes, Image* image);  // `bytes` begins with RIFF, a length and WEBP

// By the first bytes, not by the name: one of the above, else DataLoss.
absl::Status DecodeImage(absl::string_view bytes, Image* image);

// The same of a part, which is asked for when the header is known: picture->part has at least what `wanted` names. What it leaves out saves
// time where the format is JPEG; others decode the whole. Errors are those of the whole, anywhere in the file.
absl::Status DecodeJpeg(absl::string_view bytes, RegionOf wanted, Picture* picture);
absl::Status DecodeImage(absl::string_view bytes, RegionOf wanted, Picture* picture);

}  // namespace deit::data
