// Bitmaps of Windows and OS/2, as Pillow's BmpImagePlugin reads them. Format:
// https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "common/base/status.h"
#include "worker/data/color_conversion.h"
#include "worker/data/decode_image.h"

namespace deit::data {
namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr uint32_t kCoreHeaderBytes = 12;  // of OS/2 1: sizes of 16 bits, colours of 3 bytes
constexpr uint32_t kHeaderBytes[] = {kCoreHeaderBytes, 40, 52, 56, 64, 108, 124};
constexpr uint32_t kMaskHeaderBytes = 52;  // from here on the masks are part of it

enum Compression : uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kMasks = 3 };

Status BrokenBmp(absl::string_view cause) { return absl::DataLossError(absl::StrCat("broken BMP: ", cause)); }

// Little-endian numbers of a file. Those beyond its end are 0, and remembered.
class Numbers {
 public:
  explicit Numbers(absl::string_view bytes) : bytes_(bytes) {}
  uint32_t At(size_t at, size_t count) {
    uint32_t value = 0;
    if (at + count > bytes_.size()) truncated_ = true;
    else std::memcpy(&value, bytes_.data() + at, count);  // as this machine's
    return value;
  }
  uint32_t U16(size_t at) { return At(at, 2); }
  uint32_t U32(size_t at) { return At(at, 4); }
  bool truncated() const { return truncated_; }

 private:
  absl::string_view bytes_;
  bool truncated_ = false;
};

struct BmpHeader {
  int64_t width = 0;
  int64_t height = 0;
  bool top_down = false;
  uint32_t bits = 0;  // of a pixel: up to 8 an index, else a colour
  uint32_t compression = kNone;
  uint32_t colours = 0;             // of the palette
  std::array<uint32_t, 3> masks{};  // of red, green and blue in a pixel
  size_t pixels = 0;                // where they begin
  Palette palette{};

  bool indexed() const { return bits <= 8; }
  size_t row_bytes() const { return (static_cast<size_t>(width) * bits + 31) / 32 * 4; }
};

Status CheckKind(const BmpHeader& header) {
  constexpr uint32_t kBits[] = {1, 4, 8, 16, 24, 32};
  const bool known = std::find(std::begin(kBits), std::end(kBits), header.bits) != std::end(kBits);
  const bool fits = header.compression == kNone || (header.compression == kRle8 && header.bits == 8) ||
                    (header.compression == kRle4 && header.bits == 4) || (header.compression == kMasks && !header.indexed());
  if (!known || !fits) {
    return absl::DataLossError(absl::StrCat("BMP of a kind that is not read: ", header.bits, " bits, compression ", header.compression));
  }
  for (const uint32_t mask : header.masks) {
    if (header.indexed()) break;
    const uint32_t ones = mask >> (mask == 0 ? 0 : std::countr_zero(mask));
    if (ones != 0 && ones <= 255 && (ones & (ones + 1)) == 0) continue;
    return absl::DataLossError(
        absl::StrCat("BMP of a kind that is not read: a channel at ", absl::Hex(mask), ": want 1 to 8 bits side by side"));
  }
  return absl::OkStatus();
}

// Masks at `at` where the file gives them, else those of its bits.
void ReadMasks(size_t at, Numbers* numbers, BmpHeader* header) {
  if (header->compression == kMasks) {
    for (size_t c = 0; c < 3; ++c) header->masks[c] = numbers->U32(at + 4 * c);
    const bool none = std::all_of(header->masks.begin(), header->masks.end(), [](uint32_t mask) { return mask == 0; });
    if (!none || header->bits != 32) return;
  }
  if (header->bits == 16) header->masks = {0x7c00, 0x3e0, 0x1f};
  else header->masks = {0xff0000, 0xff00, 0xff};
}

StatusOr<BmpHeader> ReadBmpHeader(absl::string_view bytes) {
  Numbers numbers(bytes);
  BmpHeader header;
  const uint32_t offset = numbers.U32(10), header_bytes = numbers.U32(kFileHeaderBytes);
  if (numbers.truncated()) return BrokenBmp("truncated");
  if (std::find(std::begin(kHeaderBytes), std::end(kHeaderBytes), header_bytes) == std::end(kHeaderBytes)) {
    return BrokenBmp(absl::StrCat("a header of ", header_bytes, " bytes"));
  }
  const bool core = header_bytes == kCoreHeaderBytes;
  size_t next = kFileHeaderBytes + header_bytes;
  if (core) {
    header.width = numbers.U16(18);
    header.height = numbers.U16(20);
    header.bits = numbers.U16(24);
  } else {
    header.width = numbers.U32(18);
    header.height = numbers.U32(22);
    header.top_down = header.height >> 24 == 0xff;  // below 0
    if (header.top_down) header.height = (int64_t{1} << 32) - header.height;
    header.bits = numbers.U16(28);
    header.compression = numbers.U32(30);
    header.colours = numbers.U32(46);
  }
  ReadMasks(header_bytes >= kMaskHeaderBytes ? 54 : next, &numbers, &header);
  if (header.compression == kMasks && header_bytes < kMaskHeaderBytes) next += 12;
  if (numbers.truncated()) return BrokenBmp("truncated");
  DEIT_RETURN_IF_ERROR(CheckKind(header));
  if (!header.indexed()) header.colours = 0;
  else if (header.colours == 0) header.colours = 1u << header.bits;
  if (header.colours > 256) return BrokenBmp(absl::StrCat("a palette of ", header.colours, " colours"));
  // Some writers forget the palette when they say where the pixels begin, or say nothing. Pillow adds 4 bytes a colour then, always.
  const size_t colour_bytes = core ? 3 : 4;
  header.pixels = offset == kFileHeaderBytes + header_bytes ? offset + 4 * header.colours : offset;
  if (offset == 0) header.pixels = next + colour_bytes * header.colours;
  for (size_t i = 0; i < header.colours; ++i) {
    for (size_t c = 0; c < 3; ++c) header.palette[i][2 - c] = static_cast<uint8_t>(numbers.At(next + colour_bytes * i + c, 1));
  }
  if (numbers.truncated() || header.pixels > bytes.size()) return BrokenBmp("truncated");
  // Indices without a colour are black, as in Pillow; but where each colour is the gray of its index, so are those.
  const Palette gray = GrayPalette();
  if (header.palette != gray && std::equal(gray.begin(), gray.begin() + header.colours, header.palette.begin())) header.palette = gray;
  return header;
}

// One index per pixel, rows as the file has them.
void ReadIndices(const BmpHeader& header, const uint8_t* data, Image* image) {
  const size_t bits = header.bits;
  for (int y = 0; y < image->height; ++y, data += header.row_bytes()) {
    uint8_t* row = image->row(y);
    for (size_t x = 0; x < static_cast<size_t>(image->width); ++x) {
      row[x] = static_cast<uint8_t>(unsigned{data[x * bits / 8]} >> (8 - bits - x * bits % 8) & ((1u << bits) - 1));
    }
  }
}

void ReadColours(const BmpHeader& header, const uint8_t* data, Image* image) {
  const size_t bytes = header.bits / 8;
  std::array<int, 3> shift{};
  std::array<uint32_t, 3> most{};
  for (size_t c = 0; c < 3; ++c) {
    shift[c] = std::countr_zero(header.masks[c]);
    most[c] = header.masks[c] >> shift[c];
  }
  for (int y = 0; y < image->height; ++y, data += header.row_bytes()) {
    uint8_t* out = image->row(y);
    const uint8_t* from = data;
    for (int x = 0; x < image->width; ++x, from += bytes, out += 3) {
      uint32_t pixel = 0;
      std::memcpy(&pixel, from, bytes);
      for (size_t c = 0; c < 3; ++c) out[c] = static_cast<uint8_t>((pixel >> shift[c] & most[c]) * 255 / most[c]);
    }
  }
}

// Runs of indices, of which rows are made as Pillow makes them: a run of one index does not leave its row, and the end of a row that is
// full already adds nothing.
class Runs {
 public:
  Runs(const BmpHeader& header, absl::string_view bytes, Image* image)
      : bytes_(bytes), at_(header.pixels), two_per_byte_(header.compression == kRle4), width_(static_cast<size_t>(image->width)),
        out_(image) {}

  Status Read() {
    std::fill(out_->pixels.begin(), out_->pixels.end(), uint8_t{0});
    while (written_ < out_->pixels.size()) {
      if (at_ + 2 > bytes_.size()) return BrokenBmp("truncated");
      const unsigned count = Byte(0), value = Byte(1);
      at_ += 2;
      if (count > 0) Repeat(std::min<size_t>(count, width_ - std::min(column_, width_)), value);
      else if (value == 0) EndRow();
      else if (value == 1) return BrokenBmp("it ends before its last pixel");
      else if (value == 2) DEIT_RETURN_IF_ERROR(Skip());
      else DEIT_RETURN_IF_ERROR(Copy(value));
    }
    return absl::OkStatus();
  }

 private:
  uint8_t Byte(size_t i) const { return static_cast<uint8_t>(bytes_[at_ + i]); }

  // The index in `value` for pixel i of a run.
  uint8_t Half(size_t i, unsigned value) const {
    return static_cast<uint8_t>(!two_per_byte_ ? value : i % 2 == 0 ? value >> 4 : value & 15);
  }

  void Put(uint8_t index) {
    if (written_ < out_->pixels.size()) out_->pixels[written_] = index;
    ++written_;
  }

  void Repeat(size_t count, unsigned value) {
    for (size_t i = 0; i < count; ++i) Put(Half(i, value));
    column_ += count;
  }

  void EndRow() {
    written_ = (written_ + width_ - 1) / width_ * width_;
    column_ = 0;
  }

  Status Skip() {
    if (at_ + 2 > bytes_.size()) return BrokenBmp("truncated");
    written_ += Byte(0) + Byte(1) * width_;
    column_ = written_ % width_;
    at_ += 2;
    return absl::OkStatus();
  }

  // `count` indices as they are; the next run begins at an even byte of the file.
  Status Copy(size_t count) {
    const size_t bytes = two_per_byte_ ? (count + 1) / 2 : count;
    if (at_ + bytes > bytes_.size()) return BrokenBmp("truncated");
    for (size_t i = 0; i < count; ++i) Put(Half(i, Byte(two_per_byte_ ? i / 2 : i)));
    column_ += count;
    at_ += bytes;
    at_ += at_ % 2;
    return absl::OkStatus();
  }

  const absl::string_view bytes_;
  size_t at_;
  const bool two_per_byte_;
  const size_t width_;
  size_t written_ = 0, column_ = 0;
  Image* out_;
};

void TurnOver(Image* image) {
  for (int a = 0, b = image->height - 1; a < b; ++a, --b)
    std::swap_ranges(image->row(a), image->row(a) + image->row_bytes(), image->row(b));
}

}  // namespace

Status DecodeBmp(absl::string_view bytes, Image* image) {
  DEIT_ASSIGN_OR_RETURN(const BmpHeader header, ReadBmpHeader(bytes));
  DEIT_RETURN_IF_ERROR(CheckImageSize(header.width, header.height));
  const size_t last_row_bytes = (static_cast<size_t>(header.width) * header.bits + 7) / 8;
  const size_t wanted = header.row_bytes() * static_cast<size_t>(header.height - 1) + last_row_bytes;
  const bool runs = header.compression == kRle8 || header.compression == kRle4;
  if (!runs && bytes.size() - header.pixels < wanted) return BrokenBmp("truncated");
  image->Reset(static_cast<int>(header.width), static_cast<int>(header.height), header.indexed() ? 1 : 3);
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data()) + header.pixels;
  if (runs) DEIT_RETURN_IF_ERROR(Runs(header, bytes, image).Read());
  else if (header.indexed()) ReadIndices(header, data, image);
  else ReadColours(header, data, image);
  if (!header.top_down) TurnOver(image);
  if (header.indexed()) ApplyPalette(header.palette, image);
  return absl::OkStatus();
}

}  // namespace deit::data
