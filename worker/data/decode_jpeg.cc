#include <turbojpeg.h>

#include <memory>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "worker/data/colours.h"
#include "worker/data/image.h"

namespace deit::data {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

Status Corrupt(tjhandle handle) { return absl::DataLossError(absl::StrCat("broken JPEG: ", tjGetErrorStr2(handle))); }

// Stray bytes between segments lose no sample and are common in ImageNet; every other warning means wrong pixels.
bool Harmless(tjhandle handle) {
  return tjGetErrorCode(handle) == TJERR_WARNING && absl::StrContains(tjGetErrorStr2(handle), "extraneous bytes");
}

}  // namespace

Status DecodeJpeg(absl::string_view bytes, Image* image) {
  // A fresh one for each picture (0.5 us): it keeps tables from picture to picture, and half of a broken one's state (TurboJPEG 2.1), so
  // that the pixels would depend on what its thread decoded before.
  const std::unique_ptr<void, Destroy> decompressor(tjInitDecompress());
  const tjhandle handle = decompressor.get();
  if (handle == nullptr) return absl::ResourceExhaustedError("JPEG decoder: out of memory");
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(handle, data, bytes.size(), &width, &height, &subsampling, &colours) != 0 && !Harmless(handle)) {
    return Corrupt(handle);
  }
  if (width == 0) return absl::DataLossError("broken JPEG: tables, but no picture");  // which is no error to the library
  DEIT_RETURN_IF_ERROR(CheckImageSize(width, height));
  const bool gray = colours == TJCS_GRAY;
  const bool cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
  const int format = gray ? TJPF_GRAY : cmyk ? TJPF_CMYK : TJPF_RGB;
  image->Reset(width, height, tjPixelSize[format]);
  // Default DCT and upsampling, as Pillow's. The limit on scans stops files made to be slow.
  if (tjDecompress2(handle, data, bytes.size(), image->pixels.data(), width, 0, height, format, TJFLAG_LIMITSCANS) != 0 &&
      !Harmless(handle)) {
    return Corrupt(handle);
  }
  if (cmyk) CmykToRgb(true, image);  // inverted, as Adobe stores it and Pillow takes it
  return absl::OkStatus();
}

}  // namespace deit::data
