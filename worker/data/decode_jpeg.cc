// By libjpeg-turbo's own interface: TurboJPEG's decodes whole pictures only.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <utility>

#include <jpeglib.h>  // wants <cstdio> before it

#include <jerror.h>  // whose codes follow from what jpeglib.h defines

#include "common/base/status.h"
#include "worker/data/color_conversion.h"
#include "worker/data/decode_image.h"

namespace deit::data {
namespace {

constexpr int kMaxScans = 500;  // a file of more was made to be slow

// libjpeg's state and what went wrong. A fresh one for each picture: it keeps tables from picture to picture, so that the pixels would
// depend on what its thread decoded before. Freed here, also after a longjmp.
struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  bool ran_out = false;  // the file ended before its end marker
  bool is_cut = false;   // and has not every sample
  char cause[JMSG_LENGTH_MAX] = "";

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&jpeg); }
};

Decoder* DecoderOf(j_common_ptr jpeg) { return static_cast<Decoder*>(jpeg->client_data); }

[[noreturn]] void OnError(j_common_ptr jpeg) {
  Decoder* decoder = DecoderOf(jpeg);
  jpeg->err->format_message(jpeg, decoder->cause);
  std::longjmp(decoder->escape, 1);  // NOLINT(cert-err52-cpp): the way libjpeg reports errors
}

// These warnings (`level` < 0) lose no sample: stray bytes between segments, common in ImageNet; a scan header whose band of coefficients is
// nonsense where it has no meaning, as Samsung's phones write; a JFIF version or an Adobe colour transform that is unknown. Nor does the end of
// the file, by itself: a sample that it takes away is another warning, or is found by HasEveryScan. Every other one means wrong pixels.
void OnMessage(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM: return;
    case JWRN_JPEG_EOF: DecoderOf(jpeg)->ran_out = true; return;
    default: OnError(jpeg);
  }
}

void OnProgress(j_common_ptr jpeg) {
  Decoder* decoder = DecoderOf(jpeg);
  if (decoder->jpeg.input_scan_number <= kMaxScans) return;
  std::snprintf(decoder->cause, sizeof(decoder->cause), "more than %d scans", kMaxScans);
  std::longjmp(decoder->escape, 1);  // NOLINT(cert-err52-cpp)
}

// The functions below that return bool are left by longjmp: they hold nothing with a destructor.

bool ReadHeader(Decoder* decoder, absl::string_view bytes) {
  if (setjmp(decoder->escape)) return false;  // NOLINT(cert-err52-cpp)
  jpeg_decompress_struct& jpeg = decoder->jpeg;
  jpeg.err = jpeg_std_error(&decoder->errors);
  jpeg.err->error_exit = OnError;
  jpeg.err->emit_message = OnMessage;
  jpeg.client_data = decoder;
  jpeg_create_decompress(&jpeg);
  decoder->progress.progress_monitor = OnProgress;
  jpeg.progress = &decoder->progress;
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  return true;
}

// Whether the library makes up coefficients that a progressive file leaves open, from blocks around that a part might not have.
bool Guesses(const jpeg_decompress_struct& jpeg) {
  if (!jpeg.progressive_mode || jpeg.coef_bits == nullptr) return false;
  for (int c = 0; c < jpeg.num_components; ++c) {
    if (std::any_of(jpeg.coef_bits[c] + 1, jpeg.coef_bits[c] + DCTSIZE2, [](int bits) { return bits != 0; })) return true;
  }
  return false;
}

// Of a file of several scans: whether each component has been in one, and in a progressive file to its last bit.
bool HasEveryScan(const jpeg_decompress_struct& jpeg) {
  for (int c = 0; c < jpeg.num_components; ++c) {
    if (jpeg.comp_info[c].quant_table == nullptr) return false;  // saved at a component's first scan
    if (!jpeg.progressive_mode) continue;
    if (std::any_of(jpeg.coef_bits[c], jpeg.coef_bits[c] + DCTSIZE2, [](int bits) { return bits != 0; })) return false;
  }
  return true;
}

// Prepares the output of picture->part, whose columns it may widen: default DCT and upsampling, as Pillow's. Files of several scans are
// read to their end here.
bool Start(Decoder* decoder, Picture* picture) {
  if (setjmp(decoder->escape)) return false;  // NOLINT(cert-err52-cpp)
  jpeg_decompress_struct& jpeg = decoder->jpeg;
  jpeg_start_decompress(&jpeg);
  pixels::Rectangle& part = picture->part;
  // Skipping rows miscounts them where a chroma sample spans more than two.
  if (Guesses(jpeg) || jpeg.max_v_samp_factor > 2) part = WholeImage(picture->width, picture->height);
  // Upsampling takes neighbouring chroma samples, and at the ends of what is decoded it does with what it has: another result.
  const int margin = 2 * jpeg.max_h_samp_factor;
  const int begin = std::max(0, part.left - margin), end = std::min(picture->width, part.left + part.width + margin);
  auto left = static_cast<JDIMENSION>(begin), width = static_cast<JDIMENSION>(end - begin);
  jpeg_crop_scanline(&jpeg, &left, &width);  // goes left to the next block
  picture->left = static_cast<int>(left);
  picture->top = part.top;
  return true;
}

// The rows of the part; then the rest of the file, so that what is broken there is found.
bool ReadRows(Decoder* decoder, Picture* picture) {
  if (setjmp(decoder->escape)) return false;  // NOLINT(cert-err52-cpp)
  jpeg_decompress_struct& jpeg = decoder->jpeg;
  Image& image = picture->image;
  jpeg_skip_scanlines(&jpeg, static_cast<JDIMENSION>(picture->top));
  for (int y = 0; y < image.height;) {
    JSAMPROW rows[MAX_SAMP_FACTOR];  // as many as may come at once
    const int count = std::min(MAX_SAMP_FACTOR, image.height - y);
    for (int k = 0; k < count; ++k) rows[k] = image.row(y + k);
    y += static_cast<int>(jpeg_read_scanlines(&jpeg, rows, static_cast<JDIMENSION>(count)));
  }
  const bool pads_silently = jpeg.arith_code;  // the arithmetic decoder puts zeros behind the file's end without a warning
  if (jpeg_has_multiple_scans(&jpeg)) {
    decoder->is_cut = decoder->ran_out && (pads_silently || !HasEveryScan(jpeg));
    return true;
  }
  const JDIMENSION last = jpeg.output_height - 1;
  if (jpeg.output_scanline < last) jpeg_skip_scanlines(&jpeg, last - jpeg.output_scanline);
  if (jpeg.output_scanline == last) {  // read, as skipping to the end leaves out what is skipped
    const auto row_bytes = jpeg.output_width * static_cast<JDIMENSION>(jpeg.output_components);
    jpeg_read_scanlines(&jpeg, jpeg.mem->alloc_sarray(reinterpret_cast<j_common_ptr>(&jpeg), JPOOL_IMAGE, row_bytes, 1), 1);
  }
  jpeg_finish_decompress(&jpeg);
  decoder->is_cut = decoder->ran_out && pads_silently;
  return true;
}

Status Corrupt(absl::string_view cause) { return absl::DataLossError(absl::StrCat("broken JPEG: ", cause)); }

}  // namespace

Status DecodeJpeg(absl::string_view bytes, RegionOf wanted, Picture* picture) {
  Decoder decoder;
  if (!ReadHeader(&decoder, bytes)) return Corrupt(decoder.cause);
  const jpeg_decompress_struct& jpeg = decoder.jpeg;
  DEIT_RETURN_IF_ERROR(CheckImageSize(jpeg.image_width, jpeg.image_height));
  // Gray, RGB or CMYK, by what is stored.
  if (jpeg.out_color_space == JCS_UNKNOWN) return Corrupt(absl::StrCat(jpeg.num_components, " components per pixel"));
  picture->width = static_cast<int>(jpeg.image_width);
  picture->height = static_cast<int>(jpeg.image_height);
  picture->part = wanted(picture->width, picture->height);
  DEIT_CHECK(picture->part.width > 0 && picture->part.height > 0 && Holds(WholeImage(picture->width, picture->height), picture->part));
  if (!Start(&decoder, picture)) return Corrupt(decoder.cause);
  picture->image.Reset(static_cast<int>(jpeg.output_width), picture->part.height, jpeg.output_components);
  if (!ReadRows(&decoder, picture)) return Corrupt(decoder.cause);
  if (decoder.is_cut) return Corrupt("premature end of the file");
  if (jpeg.output_components == 4) CmykToRgb(true, &picture->image);  // inverted, as Adobe stores it and Pillow takes it
  return absl::OkStatus();
}

Status DecodeJpeg(absl::string_view bytes, Image* image) {
  Picture picture;
  std::swap(picture.image, *image);  // keeps its memory
  Status status = DecodeJpeg(bytes, WholeImage, &picture);
  std::swap(picture.image, *image);
  return status;
}

}  // namespace deit::data
