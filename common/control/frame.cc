#include "common/control/frame.h"

#include <cstdint>

#include "common/base/status.h"

namespace deit::control {
namespace {
constexpr size_t kLengthBytes = 4;
}

std::string EncodeFrame(absl::string_view message) {
  DEIT_CHECK(message.size() <= kMaxFrameBytes);
  std::string frame;
  frame.reserve(kLengthBytes + message.size());
  for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(message.size() >> shift & 0xff));
  return frame.append(message.data(), message.size());
}

void FrameReader::Append(absl::string_view bytes) { bytes_.append(bytes.data(), bytes.size()); }

std::optional<std::string> FrameReader::Next() {
  const auto length = NextLength();
  if (!length || *length > kMaxFrameBytes || bytes_.size() - kLengthBytes < *length) return std::nullopt;
  std::string message = bytes_.substr(kLengthBytes, *length);
  bytes_.erase(0, kLengthBytes + *length);
  return message;
}

bool FrameReader::too_long() const { return NextLength().value_or(0) > kMaxFrameBytes; }

std::optional<size_t> FrameReader::NextLength() const {
  if (bytes_.size() < kLengthBytes) return std::nullopt;
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | static_cast<uint8_t>(bytes_[i]);
  return length;
}

}  // namespace deit::control
