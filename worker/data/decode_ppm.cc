// Netpbm: P1 to P6, plain and binary, as Pillow's PpmImagePlugin reads them.
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "worker/data/decode_image.h"

namespace deit::data {
namespace {

Status BrokenPpm(absl::string_view cause) { return absl::DataLossError(absl::StrCat("broken PPM: ", cause)); }

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

struct PpmHeader {
  bool plain = false;
  bool bits = false;  // P1, P4: no maxval
  int channels = 1;   // 1: gray, 3: RGB
  int64_t width = 0;
  int64_t height = 0;
  int64_t largest = 1;  // maxval
};

class PpmReader {
 public:
  explicit PpmReader(absl::string_view bytes) : bytes_(bytes) {}

  // The next number, after white space and comments.
  StatusOr<int64_t> Number() {
    SkipSpace();
    int64_t value = 0;
    int digits = 0;
    for (; at_ < bytes_.size() && absl::ascii_isdigit(static_cast<unsigned char>(bytes_[at_])); ++at_, ++digits) {
      if (digits == 10) return BrokenPpm("a number of more than 10 digits");
      value = 10 * value + (bytes_[at_] - '0');
    }
    if (digits == 0) return BrokenPpm(at_ == bytes_.size() ? "truncated" : "a number is missing");
    return value;
  }

  // The next 0 or 1; white space between them may be missing.
  StatusOr<bool> Bit() {
    SkipSpace();
    if (at_ == bytes_.size()) return BrokenPpm("truncated");
    const char c = bytes_[at_++];
    if (c != '0' && c != '1') return BrokenPpm("a pixel that is neither 0 nor 1");
    return c == '1';
  }

  // One byte of white space ends the header; the rest is data.
  StatusOr<absl::string_view> Data(size_t bytes) {
    if (at_ == bytes_.size() || !IsSpace(bytes_[at_])) return BrokenPpm("no white space before the data");
    const absl::string_view data = bytes_.substr(at_ + 1);
    if (data.size() < bytes) return BrokenPpm("truncated");
    return data;
  }

  void Skip(size_t count) { at_ += count; }

 private:
  void SkipSpace() {
    bool comment = false;
    for (; at_ < bytes_.size(); ++at_) {
      const char c = bytes_[at_];
      if (comment) comment = c != '\n' && c != '\r';
      else if (c == '#') comment = true;
      else if (!IsSpace(c)) return;
    }
  }

  absl::string_view bytes_;
  size_t at_ = 0;
};

StatusOr<PpmHeader> ReadPpmHeader(absl::string_view bytes, PpmReader* reader) {
  const char kind = bytes[1];
  PpmHeader header;
  header.plain = kind <= '3';
  header.bits = kind == '1' || kind == '4';
  header.channels = kind == '3' || kind == '6' ? 3 : 1;
  reader->Skip(2);
  DEIT_ASSIGN_OR_RETURN(header.width, reader->Number());
  DEIT_ASSIGN_OR_RETURN(header.height, reader->Number());
  if (!header.bits) {
    DEIT_ASSIGN_OR_RETURN(header.largest, reader->Number());
    if (header.largest < 1 || header.largest > 65535) return BrokenPpm(absl::StrCat("maxval ", header.largest, ": allowed are 1 to 65535"));
  }
  return header;
}

// Pillow scales samples to 8 bits, except gray ones of more: these go to 16 bits, and above 255 to white.
uint8_t Scaled(const PpmHeader& header, int64_t value) {
  if (header.largest == 255) return static_cast<uint8_t>(std::min<int64_t>(value, 255));
  const double most = header.channels == 1 && header.largest > 255 ? 65535 : 255;
  return static_cast<uint8_t>(std::min(255.0, std::nearbyint(static_cast<double>(value) / static_cast<double>(header.largest) * most)));
}

Status ReadPlain(const PpmHeader& header, PpmReader* reader, Image* image) {
  for (uint8_t& sample : image->pixels) {
    if (header.bits) {
      DEIT_ASSIGN_OR_RETURN(const bool black, reader->Bit());
      sample = black ? 0 : 255;
      continue;
    }
    DEIT_ASSIGN_OR_RETURN(const int64_t value, reader->Number());
    if (value > header.largest) return BrokenPpm(absl::StrCat("a sample of ", value, ": maxval is ", header.largest));
    sample = Scaled(header, value);
  }
  return absl::OkStatus();
}

Status ReadBits(PpmReader* reader, Image* image) {
  const size_t row_bytes = (static_cast<size_t>(image->width) + 7) / 8;
  DEIT_ASSIGN_OR_RETURN(const absl::string_view data, reader->Data(row_bytes * static_cast<size_t>(image->height)));
  for (int y = 0; y < image->height; ++y) {
    const char* row = data.data() + static_cast<size_t>(y) * row_bytes;
    for (int x = 0; x < image->width; ++x) image->row(y)[x] = (row[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
  }
  return absl::OkStatus();
}

Status ReadSamples(const PpmHeader& header, PpmReader* reader, Image* image) {
  const size_t width = header.largest > 255 ? 2 : 1;
  DEIT_ASSIGN_OR_RETURN(const absl::string_view data, reader->Data(width * image->pixels.size()));
  const auto* byte = reinterpret_cast<const uint8_t*>(data.data());
  for (uint8_t& sample : image->pixels) {
    sample = Scaled(header, width == 1 ? byte[0] : byte[0] << 8 | byte[1]);
    byte += width;
  }
  return absl::OkStatus();
}

}  // namespace

Status DecodePpm(absl::string_view bytes, Image* image) {
  PpmReader reader(bytes);
  DEIT_ASSIGN_OR_RETURN(const PpmHeader header, ReadPpmHeader(bytes, &reader));
  DEIT_RETURN_IF_ERROR(CheckImageSize(header.width, header.height));
  // A plain sample takes at least a byte: what the file cannot hold is not allocated.
  const int64_t samples = header.width * header.height * header.channels;
  if (samples / (header.bits ? 8 : 1) > static_cast<int64_t>(bytes.size())) return BrokenPpm("truncated");
  image->Reset(static_cast<int>(header.width), static_cast<int>(header.height), header.channels);
  if (header.plain) return ReadPlain(header, &reader, image);
  return header.bits ? ReadBits(&reader, image) : ReadSamples(header, &reader, image);
}

}  // namespace deit::data
