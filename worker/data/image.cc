#include "worker/data/image.h"

#include "absl/strings/match.h"
#include "common/base/status.h"

namespace deit::data {

Status CheckImageSize(int64_t width, int64_t height) {
  if (width < 1 || height < 1 || width > kMaxImageSide || height > kMaxImageSide || width * height > kMaxImagePixels) {
    return absl::DataLossError(absl::StrCat("picture of ", width, " x ", height, " pixels: allowed are 1 to ", kMaxImageSide,
                                            " per side and ", kMaxImagePixels, " in all"));
  }
  return absl::OkStatus();
}

Status DecodeImage(absl::string_view bytes, Image* image) {
  if (absl::StartsWith(bytes, "\xff\xd8\xff")) return DecodeJpeg(bytes, image);
  if (absl::StartsWith(bytes, "\x89PNG")) return DecodePng(bytes, image);
  return absl::DataLossError(bytes.empty() ? "empty file" : "neither JPEG nor PNG");
}

void ConvertChannels(int channels, Image* image) {
  if (image->channels == channels) return;
  const size_t count = static_cast<size_t>(image->width) * static_cast<size_t>(image->height);
  if (channels == 1) {
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* rgb = &image->pixels[3 * i];
      image->pixels[i] = static_cast<uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
    }
    image->Reset(image->width, image->height, 1);
    return;
  }
  image->Reset(image->width, image->height, 3);
  for (size_t i = count; i-- > 0;) {  // from the end, so that it can be done in place
    const uint8_t gray = image->pixels[i];
    for (size_t c = 0; c < 3; ++c) image->pixels[3 * i + c] = gray;
  }
}

}  // namespace deit::data
