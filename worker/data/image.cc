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
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6') return DecodePpm(bytes, image);
  return absl::DataLossError(bytes.empty() ? "empty file" : "neither JPEG, PNG nor PPM");
}

Status DecodeImage(absl::string_view bytes, RegionOf wanted, Picture* picture) {
  if (absl::StartsWith(bytes, "\xff\xd8\xff")) return DecodeJpeg(bytes, wanted, picture);
  DEIT_RETURN_IF_ERROR(DecodeImage(bytes, &picture->image));
  picture->HoldWhole();
  return absl::OkStatus();
}

}  // namespace deit::data
