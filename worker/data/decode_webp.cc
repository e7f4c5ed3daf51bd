// WebP by libwebp. As Pillow: the first frame, on a canvas of zeros, without its alpha.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "common/base/status.h"
#include "worker/data/decode_image.h"

namespace deit::data {
namespace {

Status BrokenWebP(absl::string_view cause) { return absl::DataLossError(absl::StrCat("broken WebP: ", cause)); }

struct Delete {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

// Whether the file ends before the end that its first 8 bytes ("RIFF" and the number of bytes that follow) tell.
bool IsTruncated(absl::string_view bytes) {
  uint64_t told = 0;
  for (size_t i = 0; i < 4; ++i) told |= uint64_t{static_cast<uint8_t>(bytes[4 + i])} << (8 * i);
  return told + 8 > bytes.size();
}

absl::string_view Cause(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return "out of memory";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return "truncated";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "it uses what libwebp does not know";
    default: return "its pixels cannot be decoded";
  }
}

}  // namespace

Status DecodeWebp(absl::string_view bytes, Image* image) {
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPDemuxer, Delete> demuxer(WebPDemux(&data));
  if (demuxer == nullptr) return BrokenWebP(IsTruncated(bytes) ? "truncated" : "its chunks do not make a picture");
  const uint32_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH), height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  DEIT_RETURN_IF_ERROR(CheckImageSize(width, height));
  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) return BrokenWebP("no picture in it");
  const absl::Cleanup release = [&frame] { WebPDemuxReleaseIterator(&frame); };
  if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width < 1 || frame.height < 1 || int64_t{frame.x_offset} + frame.width > width ||
      int64_t{frame.y_offset} + frame.height > height) {
    return BrokenWebP("its first frame lies outside");
  }
  image->Reset(static_cast<int>(width), static_cast<int>(height), 3);
  std::fill(image->pixels.begin(), image->pixels.end(), uint8_t{0});
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return absl::ResourceExhaustedError("WebP decoder: the library is of another version");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  uint8_t* const first = image->row(frame.y_offset) + 3 * frame.x_offset;
  config.output.u.RGBA.rgba = first;
  config.output.u.RGBA.stride = static_cast<int>(image->row_bytes());
  config.output.u.RGBA.size = static_cast<size_t>(image->pixels.data() + image->pixels.size() - first);
  const VP8StatusCode code = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  WebPFreeDecBuffer(&config.output);
  return code == VP8_STATUS_OK ? absl::OkStatus() : BrokenWebP(Cause(code));
}

}  // namespace deit::data
