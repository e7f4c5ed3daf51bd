// Frames of the control channel: 4 bytes length, high byte first, then that many bytes: one message.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::control {

inline constexpr size_t kMaxFrameBytes = 64 << 10;  // of the message

// `message` has at most kMaxFrameBytes.
std::string EncodeFrame(absl::string_view message);

// Cuts a stream of bytes into messages, however the bytes arrive. Not thread-safe.
class FrameReader {
 public:
  void Append(absl::string_view bytes);

  // The next message, once all of it is there. None comes any more after a frame that is too long.
  std::optional<std::string> Next();

  // Whether the next frame announces more than kMaxFrameBytes: known from its first 4 bytes.
  bool too_long() const;

 private:
  std::optional<size_t> NextLength() const;

  std::string bytes_;
};

}  // namespace deit::control
