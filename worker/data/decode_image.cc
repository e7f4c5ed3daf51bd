#include "worker/data/decode_image.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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
  using absl::StartsWith;
  if (StartsWith(bytes, "\xff\xd8\xff")) return DecodeJpeg(bytes, image);
  if (StartsWith(bytes, "\x89PNG")) return DecodePng(bytes, image);
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6') return DecodePpm(bytes, image);
  if (StartsWith(bytes, "BM")) return DecodeBmp(bytes, image);
  if (StartsWith(bytes, "II*") || StartsWith(bytes, "II+") || StartsWith(bytes, {"MM\0*", 4}) || StartsWith(bytes, {"MM\0+", 4})) {
    return DecodeTiff(bytes, image);
  }
  if (StartsWith(bytes, "RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") return DecodeWebp(bytes, image);
  if (bytes.empty()) return absl::DataLossError("empty file");
  return absl::DataLossError(
      absl::StrCat("neither JPEG, PNG, PPM, BMP, TIFF nor WebP: it begins with \"", absl::CHexEscape(bytes.substr(0, 8)), "\""));
}

Status DecodeImage(absl::string_view bytes, RegionOf wanted, Picture* picture) {
  if (absl::StartsWith(bytes, "\xff\xd8\xff")) return DecodeJpeg(bytes, wanted, picture);
  DEIT_RETURN_IF_ERROR(DecodeImage(bytes, &picture->image));
  picture->HoldWhole();
  return absl::OkStatus();
}

}  // namespace deit::data
