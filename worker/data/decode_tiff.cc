// TIFF by libtiff, out of memory. Which kinds of pictures there are and what they look like is as in Pillow's TiffImagePlugin; of several
// pictures in a file the first is shown.
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "worker/data/color_conversion.h"
#include "worker/data/decode_image.h"

namespace deit::data {
namespace {

constexpr tmsize_t kMaxAllocation = tmsize_t{64} << 20;  // of libtiff, each
constexpr tmsize_t kMaxTileBytes = tmsize_t{256} << 20;
constexpr uint16_t kMaxSamples = 6;  // of a pixel, as Pillow

// A file in memory, and what libtiff said of it.
struct Memory {
  const uint8_t* bytes = nullptr;
  toff_t size = 0;
  toff_t at = 0;
  bool reading = false;  // samples, no longer the header
  std::array<char, 256> cause{};
};

Memory* Of(thandle_t handle) { return static_cast<Memory*>(handle); }

tmsize_t OnRead(thandle_t handle, void* out, tmsize_t size) {
  Memory* memory = Of(handle);
  const toff_t begin = std::min(memory->at, memory->size);
  const toff_t count = std::min(static_cast<toff_t>(std::max<tmsize_t>(size, 0)), memory->size - begin);
  if (count > 0) std::memcpy(out, memory->bytes + begin, count);
  memory->at = begin + count;
  return static_cast<tmsize_t>(count);
}

tmsize_t OnWrite(thandle_t, void*, tmsize_t) { return -1; }

toff_t OnSeek(thandle_t handle, toff_t offset, int whence) {
  Memory* memory = Of(handle);
  memory->at = offset + (whence == SEEK_CUR ? memory->at : whence == SEEK_END ? memory->size : 0);
  return memory->at;
}

int OnClose(thandle_t) { return 0; }

toff_t OnSize(thandle_t handle) { return Of(handle)->size; }

int OnMap(thandle_t handle, void** bytes, toff_t* size) {
  *bytes = const_cast<uint8_t*>(Of(handle)->bytes);  // opened for reading: libtiff copies what it changes
  *size = Of(handle)->size;
  return 1;
}

void OnUnmap(thandle_t, void*, toff_t) {}

// Keeps the first complaint.
int OnError(TIFF*, void* memory, const char*, const char* format, va_list arguments) {
  std::array<char, 256>& cause = Of(memory)->cause;
  if (cause[0] == '\0') std::vsnprintf(cause.data(), cause.size(), format, arguments);
  return 1;
}

// Unknown tags and the like do no harm. What the JPEG library warns of makes wrong samples; decode_jpeg.cc has the exception.
int OnWarning(TIFF*, void* handle, const char* module, const char* format, va_list arguments) {
  Memory* memory = Of(handle);
  if (!memory->reading || module == nullptr || std::strcmp(module, "JPEGLib") != 0 || memory->cause[0] != '\0') return 1;
  std::vsnprintf(memory->cause.data(), memory->cause.size(), format, arguments);
  if (absl::StrContains(memory->cause.data(), "extraneous bytes")) memory->cause[0] = '\0';
  return 1;
}

struct Close {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using File = std::unique_ptr<TIFF, Close>;

File Open(Memory* memory) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), OnError, memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), OnWarning, memory);
  return File(TIFFClientOpenExt("", "r", memory, OnRead, OnWrite, OnSeek, OnClose, OnSize, OnMap, OnUnmap, options.get()));
}

Status BrokenTiff(const Memory& memory, absl::string_view otherwise = "libtiff does not say why") {
  const absl::string_view cause = memory.cause.data();
  return absl::DataLossError(absl::StrCat("broken TIFF: ", cause.empty() ? otherwise : cause));
}

// What a file says of its picture.
struct Layout {
  uint32_t width = 0, height = 0;
  uint16_t photometric = PHOTOMETRIC_MINISWHITE;  // as Pillow, where the file is silent
  uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, compression = COMPRESSION_NONE;
  uint16_t planes = PLANARCONFIG_CONTIG, orientation = ORIENTATION_TOPLEFT;
  uint16_t extra = EXTRASAMPLE_UNSPECIFIED;  // what the first sample after the colours is
  bool tiled = false;

  uint16_t colours() const {
    return photometric == PHOTOMETRIC_SEPARATED ? 4 : photometric <= 1 || photometric == PHOTOMETRIC_PALETTE ? 1 : 3;
  }
  bool by_planes() const { return planes == PLANARCONFIG_SEPARATE && samples > 1; }
  bool has_premultiplied_alpha() const { return colours() == 3 && samples > 3 && extra == EXTRASAMPLE_ASSOCALPHA; }
  uint16_t kept() const { return has_premultiplied_alpha() ? 4 : colours(); }  // samples per pixel
};

Layout LayoutOf(TIFF* tiff) {
  Layout layout;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout.photometric);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout.format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout.compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout.planes);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &layout.orientation);
  uint16_t extras = 0;
  uint16_t* kinds = nullptr;
  if (TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extras, &kinds) != 0 && extras > 0) layout.extra = kinds[0];
  layout.tiled = TIFFIsTiled(tiff) != 0;
  return layout;
}

bool IsOneOf(uint16_t value, std::initializer_list<uint16_t> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// The kinds that Pillow knows, without those that it makes 32 bits or L*a*b* of, those of 12 bits, and YCbCr that is not JPEG.
bool IsRead(const Layout& layout) {
  const bool bytes = layout.bits == 8, words = layout.bits == 16, bits = IsOneOf(layout.bits, {1, 2, 4});
  const int more = layout.samples - layout.colours();
  if (layout.format != SAMPLEFORMAT_UINT || more < 0 || layout.samples > kMaxSamples) return false;
  if (!IsOneOf(layout.compression, {COMPRESSION_NONE, COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4, COMPRESSION_LZW,
                                    COMPRESSION_JPEG, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE, COMPRESSION_PACKBITS,
                                    COMPRESSION_LZMA, COMPRESSION_ZSTD, COMPRESSION_WEBP})) {
    return false;
  }
  if (layout.by_planes() && (!bytes || layout.has_premultiplied_alpha())) return false;
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISWHITE: return (bits || bytes) && more == 0;
    case PHOTOMETRIC_MINISBLACK: return more == 0 ? bits || bytes || words : bytes && more == 1 && layout.extra == EXTRASAMPLE_UNASSALPHA;
    case PHOTOMETRIC_PALETTE: return more == 0 ? bits || bytes : bytes && more == 1;
    case PHOTOMETRIC_RGB: return bytes || (words && more <= 1);
    case PHOTOMETRIC_SEPARATED: return bytes || (words && more == 0);
    case PHOTOMETRIC_YCBCR: return bytes && more == 0 && layout.compression == COMPRESSION_JPEG && !layout.by_planes();
    default: return false;
  }
}

Status CheckLayout(const Layout& layout, size_t file_bytes) {
  DEIT_RETURN_IF_ERROR(CheckImageSize(layout.width, layout.height));
  if (!IsRead(layout)) {
    return absl::DataLossError(absl::StrCat("TIFF of a kind that is not read: photometric ", layout.photometric, ", ", layout.samples,
                                            " samples of ", layout.bits, " bits, format ", layout.format, ", compression ",
                                            layout.compression, layout.by_planes() ? ", each in a plane of its own" : ""));
  }
  const uint64_t bits = uint64_t{layout.width} * layout.height * layout.samples * layout.bits;
  if (layout.compression == COMPRESSION_NONE && bits / 8 > file_bytes) return absl::DataLossError("broken TIFF: truncated");
  return absl::OkStatus();
}

// Writes samples of libtiff's rows, 8 bits each, into a picture of layout.kept() channels.
class Unpacker {
 public:
  Unpacker(const Layout& layout, Image* image)
      : stride_(layout.by_planes() ? size_t{1} : layout.samples), kept_(layout.by_planes() ? size_t{1} : layout.kept()), bits_(layout.bits),
        flip_(layout.photometric == PHOTOMETRIC_MINISWHITE ? 255 : 0),
        times_(layout.photometric == PHOTOMETRIC_PALETTE || bits_ > 8 ? 1u : 255u / ((1u << bits_) - 1)), cuts_off_(layout.colours() == 1),
        image_(image) {}

  // `columns` pixels from (x, y) on; of one plane, where each has its own.
  void Write(const uint8_t* row, int columns, int x, int y, int plane) const {
    const size_t channels = static_cast<size_t>(image_->channels);
    uint8_t* out = image_->row(y) + static_cast<size_t>(x) * channels + plane;
    for (size_t i = 0; i < static_cast<size_t>(columns); ++i, out += channels) {
      for (size_t s = 0; s < kept_; ++s) out[s] = Sample(row, i * stride_ + s);
    }
  }

 private:
  uint8_t Sample(const uint8_t* row, size_t i) const {
    if (bits_ == 8) return static_cast<uint8_t>(row[i] ^ flip_);
    if (bits_ == 16) {
      uint16_t value = 0;
      std::memcpy(&value, row + 2 * i, sizeof(value));
      return static_cast<uint8_t>(cuts_off_ ? std::min<int>(value, 255) : value >> 8);
    }
    const unsigned value = unsigned{row[i * bits_ / 8]} >> (8 - bits_ - i * bits_ % 8) & ((1u << bits_) - 1);
    return static_cast<uint8_t>((value * times_) ^ flip_);
  }

  const size_t stride_, kept_;  // samples of a pixel: in a row, and written
  const unsigned bits_, flip_, times_;
  const bool cuts_off_;  // gray of 16 bits: what is above 255 is white
  Image* image_;
};

bool ReadStrips(TIFF* tiff, const Layout& layout, const Unpacker& unpacker, int planes) {
  const size_t row_bytes = (size_t{layout.width} * (layout.by_planes() ? 1 : layout.samples) * layout.bits + 7) / 8;
  if (TIFFScanlineSize64(tiff) != row_bytes) return false;
  std::vector<uint8_t> row(row_bytes);
  for (int plane = 0; plane < planes; ++plane) {
    for (uint32_t y = 0; y < layout.height; ++y) {
      if (TIFFReadScanline(tiff, row.data(), y, static_cast<uint16_t>(plane)) != 1) return false;
      unpacker.Write(row.data(), static_cast<int>(layout.width), 0, static_cast<int>(y), plane);
    }
  }
  return true;
}

bool ReadTiles(TIFF* tiff, const Layout& layout, const Unpacker& unpacker, int planes) {
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
  const uint64_t row_bytes = (uint64_t{width} * (layout.by_planes() ? 1 : layout.samples) * layout.bits + 7) / 8;
  const tmsize_t bytes = TIFFTileSize(tiff);
  if (width == 0 || height == 0 || bytes <= 0 || bytes > kMaxTileBytes || static_cast<uint64_t>(bytes) != row_bytes * height) return false;
  std::vector<uint8_t> tile(static_cast<size_t>(bytes));
  for (int plane = 0; plane < planes; ++plane) {
    for (uint32_t y = 0; y < layout.height; y += height) {
      for (uint32_t x = 0; x < layout.width; x += width) {
        if (TIFFReadTile(tiff, tile.data(), x, y, 0, static_cast<uint16_t>(plane)) < 0) return false;
        const int columns = static_cast<int>(std::min(width, layout.width - x));
        for (uint32_t r = 0; r < std::min(height, layout.height - y); ++r) {
          unpacker.Write(tile.data() + r * row_bytes, columns, static_cast<int>(x), static_cast<int>(y + r), plane);
        }
      }
    }
  }
  return true;
}

bool ReadPalette(TIFF* tiff, const Layout& layout, Palette* palette) {
  std::array<uint16_t*, 3> values{};
  if (TIFFGetField(tiff, TIFFTAG_COLORMAP, &values[0], &values[1], &values[2]) == 0) return false;
  for (size_t i = 0; i < size_t{1} << layout.bits; ++i) {
    for (size_t c = 0; c < 3; ++c) (*palette)[i][c] = static_cast<uint8_t>(values[c][i] >> 8);
  }
  return true;
}

// As the picture is meant to be looked at (TIFF's tag 274).
void Turn(uint16_t orientation, Image* image) {
  if (orientation < 2 || orientation > 8) return;
  const bool swap = orientation >= 5;  // columns are rows
  const bool from_right = IsOneOf(orientation, {2, 3, 7, 8}), from_bottom = IsOneOf(orientation, {3, 4, 6, 7});
  Image turned;
  turned.Reset(swap ? image->height : image->width, swap ? image->width : image->height, image->channels);
  const int channels = image->channels;
  for (int y = 0; y < turned.height; ++y) {
    uint8_t* out = turned.row(y);
    for (int x = 0; x < turned.width; ++x, out += channels) {
      const int column = swap ? y : x, row = swap ? x : y;
      const uint8_t* from = image->row(from_bottom ? image->height - 1 - row : row);
      std::copy_n(from + (from_right ? image->width - 1 - column : column) * channels, channels, out);
    }
  }
  std::swap(*image, turned);
}

}  // namespace

Status DecodeTiff(absl::string_view bytes, Image* image) {
  Memory memory{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const File tiff = Open(&memory);
  if (tiff == nullptr) return BrokenTiff(memory);
  const Layout layout = LayoutOf(tiff.get());
  DEIT_RETURN_IF_ERROR(CheckLayout(layout, bytes.size()));
  Palette palette{};
  if (layout.photometric == PHOTOMETRIC_PALETTE && !ReadPalette(tiff.get(), layout, &palette)) return BrokenTiff(memory, "no palette");
  if (layout.photometric == PHOTOMETRIC_YCBCR) TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  image->Reset(static_cast<int>(layout.width), static_cast<int>(layout.height), layout.kept());
  const Unpacker unpacker(layout, image);
  const int planes = layout.by_planes() ? layout.colours() : 1;
  memory.cause = {};  // warnings about unused tags
  memory.reading = true;
  const bool read = layout.tiled ? ReadTiles(tiff.get(), layout, unpacker, planes) : ReadStrips(tiff.get(), layout, unpacker, planes);
  if (!read || memory.cause[0] != '\0') return BrokenTiff(memory, "its strips or tiles do not fit it");
  if (layout.photometric == PHOTOMETRIC_PALETTE) ApplyPalette(palette, image);
  if (layout.photometric == PHOTOMETRIC_SEPARATED) CmykToRgb(false, image);
  if (layout.has_premultiplied_alpha()) DivideByAlpha(image);
  Turn(layout.orientation, image);
  return absl::OkStatus();
}

}  // namespace deit::data
