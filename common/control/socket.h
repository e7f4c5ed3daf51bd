// Non-blocking stream sockets. Programs that this process starts do not inherit them: they would keep a dead process's connections open.
#pragma once

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/control/control_address.h"

namespace deit::control {

// Owns a descriptor. Thread-safe like an int.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.Release()) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  int fd() const { return fd_; }
  int Release();  // the descriptor is the caller's from now on

 private:
  int fd_;  // -1: none
};

// "127.0.0.1" and "::1", and not "localhost".
bool IsNumericHost(const std::string& host);

// Errors of the functions below are Unavailable and name the cause, as in "connection refused".

StatusOr<Socket> Listen(const ControlAddress& address);
StatusOr<ControlAddress> LocalAddressOf(const Socket& socket);

// Begins to connect: a failure may show only in the first ReceiveSome. Small messages are sent at once.
StatusOr<Socket> Connect(const ControlAddress& address);

// How many bytes were received: none while there are none, 0 once the other side has closed.
StatusOr<std::optional<size_t>> ReceiveSome(int fd, char* bytes, size_t size);

// How many bytes the kernel took: 0 while its buffer is full.
StatusOr<size_t> SendSome(int fd, absl::string_view bytes);

}  // namespace deit::control
