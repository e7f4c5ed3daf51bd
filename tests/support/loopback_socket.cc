#include "tests/support/loopback_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/base/status.h"

namespace deit::testing {
namespace {

constexpr timeval kTimeout = {.tv_sec = 20, .tv_usec = 0};

sockaddr_in Address(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int NewSocket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  DEIT_CHECK(fd >= 0);
  return fd;
}

void LimitWaits(int fd) {
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
}

}  // namespace

LoopbackSocket LoopbackSocket::Connect(uint16_t port) {
  LoopbackSocket socket(NewSocket());
  const sockaddr_in address = Address(port);
  DEIT_CHECK(::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  return socket;
}

LoopbackSocket::LoopbackSocket(int fd) : fd_(fd) { LimitWaits(fd); }
LoopbackSocket::LoopbackSocket(LoopbackSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
LoopbackSocket& LoopbackSocket::operator=(LoopbackSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
LoopbackSocket::~LoopbackSocket() {
  if (fd_ >= 0) ::close(fd_);
}

void LoopbackSocket::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool LoopbackSocket::ReceiveAll(char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t got = ::recv(fd_, bytes, count, 0);
    if (got <= 0) return false;
    bytes += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

std::optional<std::string> LoopbackSocket::ReceiveFrame() {
  uint32_t length = 0;
  if (!ReceiveAll(reinterpret_cast<char*>(&length), sizeof(length))) return std::nullopt;
  std::string message(ntohl(length), '\0');
  if (!ReceiveAll(message.data(), message.size())) return std::nullopt;
  return message;
}

bool LoopbackSocket::AwaitClosed() {
  char ignored[1024];
  ssize_t got = 0;
  while ((got = ::recv(fd_, ignored, sizeof(ignored), 0)) > 0) continue;
  return got == 0 || errno == ECONNRESET;
}

LoopbackListener::LoopbackListener() : fd_(NewSocket()) {
  sockaddr_in address = Address(0);
  socklen_t size = sizeof(address);
  DEIT_CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0 && ::listen(fd_, 16) == 0);
  DEIT_CHECK(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  LimitWaits(fd_);
}
LoopbackListener::~LoopbackListener() { ::close(fd_); }

std::optional<LoopbackSocket> LoopbackListener::Accept() {
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return std::nullopt;
  return LoopbackSocket(fd);
}

}  // namespace deit::testing
