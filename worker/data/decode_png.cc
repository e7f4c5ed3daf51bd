#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>

#include "common/base/status.h"
#include "worker/data/decode_image.h"

namespace deit::data {
namespace {

constexpr png_alloc_size_t kMaxChunkBytes = 8u << 20;

struct Input {
  const char* next;
  size_t left;
};

// libpng's state and what went wrong. Freed here, also after a longjmp.
struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  Input input{};
  std::array<char, 128> cause{};
  bool gray16 = false;  // Pillow's I;16

  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->cause.data(), message, reader->cause.size() - 1);
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

void OnRead(png_structp png, png_bytep out, size_t size) {
  auto* input = static_cast<Input*>(png_get_io_ptr(png));
  if (size > input->left) png_error(png, "truncated");
  std::memcpy(out, input->next, size);
  input->next += size;
  input->left -= size;
}

// The two functions below are left by longjmp: they hold nothing with a destructor.

bool ReadHeader(Reader* reader, png_uint_32* width, png_uint_32* height) {
  png_structp png = reader->png;
  if (setjmp(png_jmpbuf(png))) return false;                   // NOLINT(cert-err52-cpp): the way libpng reports errors
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // CheckImageSize says it better
  png_set_chunk_malloc_max(png, kMaxChunkBytes);
  png_set_read_fn(png, &reader->input, OnRead);
  png_read_info(png, reader->info);
  *width = png_get_image_width(png, reader->info);
  *height = png_get_image_height(png, reader->info);
  png_set_expand(png);  // palettes, 1 to 4 bits, tRNS
  reader->gray16 = png_get_color_type(png, reader->info) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, reader->info) == 16;
  if (!reader->gray16) png_set_strip_16(png);
  png_set_strip_alpha(png);
  return true;
}

// Whether what went wrong did so behind the last sample: the library reads the rest of the compressed data, its checksums and the chunks after it
// only then. A wrong checksum of a chunk with samples says that one of them may be wrong.
bool HasEverySample(const Reader& reader, int height) {
  if (absl::string_view(reader.cause.data()) == "IDAT: CRC error") return false;
  if (png_get_interlace_type(reader.png, reader.info) == PNG_INTERLACE_ADAM7) return png_get_current_pass_number(reader.png) == 7;
  return png_get_current_row_number(reader.png) == static_cast<png_uint_32>(height);
}

bool ReadPixels(Reader* reader, Image* image, int passes) {
  png_structp png = reader->png;
  if (setjmp(png_jmpbuf(png))) return HasEverySample(*reader, image->height);  // NOLINT(cert-err52-cpp)
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < image->height; ++y) png_read_row(png, image->row(y), nullptr);
  }
  png_read_end(png, nullptr);
  return true;
}

int PrepareRows(Reader* reader) {
  png_structp png = reader->png;
  if (setjmp(png_jmpbuf(png))) return 0;  // NOLINT(cert-err52-cpp)
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);
  return passes;
}

// Samples of two bytes, high byte first -> one: what does not fit is white.
void CutOff(Image* image) {
  for (size_t i = 0; i < image->pixels.size() / 2; ++i) image->pixels[i] = image->pixels[2 * i] > 0 ? 255 : image->pixels[2 * i + 1];
  image->Reset(image->width, image->height, 1);
}

Status Corrupt(const Reader& reader) { return absl::DataLossError(absl::StrCat("broken PNG: ", reader.cause.data())); }

}  // namespace

Status DecodePng(absl::string_view bytes, Image* image) {
  Reader reader;
  reader.input = {bytes.data(), bytes.size()};
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, OnError, OnWarning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) return absl::ResourceExhaustedError("PNG decoder: out of memory");
  png_uint_32 width = 0, height = 0;
  if (!ReadHeader(&reader, &width, &height)) return Corrupt(reader);
  DEIT_RETURN_IF_ERROR(CheckImageSize(width, height));
  const int passes = PrepareRows(&reader);
  if (passes == 0) return Corrupt(reader);
  const int sample_bytes = reader.gray16 ? 2 : png_get_channels(reader.png, reader.info);
  image->Reset(static_cast<int>(width), static_cast<int>(height), sample_bytes);
  if (!ReadPixels(&reader, image, passes)) return Corrupt(reader);
  if (reader.gray16) CutOff(image);
  return absl::OkStatus();
}

}  // namespace deit::data
