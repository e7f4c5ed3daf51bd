// Blocking sockets on loopback, for a test that plays one side of a protocol itself, well or badly. Every wait ends after 20 seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::testing {

class LoopbackSocket {
 public:
  static LoopbackSocket Connect(uint16_t port);  // aborts when no socket listens
  explicit LoopbackSocket(int fd);               // takes it over
  LoopbackSocket(LoopbackSocket&& other) noexcept;
  LoopbackSocket& operator=(LoopbackSocket&& other) noexcept;
  ~LoopbackSocket();

  // What the other side no longer takes is lost.
  void Send(absl::string_view bytes);

  // The message of the next frame (4 bytes length, high byte first); nothing when the other side has closed or is silent.
  std::optional<std::string> ReceiveFrame();

  // Whether the other side closes, whatever it says before.
  bool AwaitClosed();

 private:
  bool ReceiveAll(char* bytes, size_t count);

  int fd_;
};

class LoopbackListener {
 public:
  LoopbackListener();
  ~LoopbackListener();
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;

  uint16_t port() const { return port_; }
  std::optional<LoopbackSocket> Accept();

 private:
  int fd_;
  uint16_t port_;
};

}  // namespace deit::testing
