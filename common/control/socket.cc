#include "common/control/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"

namespace deit::control {
namespace {

Status LastError() { return absl::UnavailableError(absl::AsciiStrToLower(std::system_category().message(errno))); }

// An address as the kernel reads it.
struct KernelAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

StatusOr<KernelAddress> ToKernel(const ControlAddress& address) {
  KernelAddress kernel;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&kernel.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&kernel.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    kernel.size = sizeof(*v4);
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    kernel.size = sizeof(*v6);
  } else {
    return absl::UnavailableError(absl::StrCat("host \"", address.host, "\" is not numeric"));
  }
  return kernel;
}

StatusOr<Socket> Open(const KernelAddress& address) {
  Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return LastError();
  return socket;
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

int Socket::Release() { return std::exchange(fd_, -1); }

bool IsNumericHost(const std::string& host) { return ToKernel({.host = host, .port = 0}).ok(); }

StatusOr<Socket> Listen(const ControlAddress& address) {
  DEIT_ASSIGN_OR_RETURN(KernelAddress kernel, ToKernel(address));
  DEIT_ASSIGN_OR_RETURN(Socket socket, Open(kernel));
  if (::bind(socket.fd(), kernel.get(), kernel.size) != 0 || ::listen(socket.fd(), SOMAXCONN) != 0) return LastError();
  return socket;
}

StatusOr<ControlAddress> LocalAddressOf(const Socket& socket) {
  KernelAddress kernel;
  kernel.size = sizeof(kernel.storage);
  if (::getsockname(socket.fd(), kernel.get(), &kernel.size) != 0) return LastError();
  char host[INET6_ADDRSTRLEN] = "";
  const bool v6 = kernel.storage.ss_family == AF_INET6;
  const auto* v4_address = reinterpret_cast<const sockaddr_in*>(&kernel.storage);
  const auto* v6_address = reinterpret_cast<const sockaddr_in6*>(&kernel.storage);
  const void* bytes = v6 ? static_cast<const void*>(&v6_address->sin6_addr) : &v4_address->sin_addr;
  if (::inet_ntop(kernel.storage.ss_family, bytes, host, sizeof(host)) == nullptr) return LastError();
  return ControlAddress{.host = host, .port = ntohs(v6 ? v6_address->sin6_port : v4_address->sin_port)};
}

StatusOr<Socket> Connect(const ControlAddress& address) {
  DEIT_ASSIGN_OR_RETURN(KernelAddress kernel, ToKernel(address));
  DEIT_ASSIGN_OR_RETURN(Socket socket, Open(kernel));
  const int on = 1;
  if (::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) return LastError();
  if (::connect(socket.fd(), kernel.get(), kernel.size) != 0 && errno != EINPROGRESS) return LastError();
  return socket;
}

StatusOr<std::optional<size_t>> ReceiveSome(int fd, char* bytes, size_t size) {
  const ssize_t got = ::recv(fd, bytes, size, 0);
  if (got >= 0) return static_cast<size_t>(got);
  if (WouldBlock()) return std::nullopt;
  return LastError();
}

StatusOr<size_t> SendSome(int fd, absl::string_view bytes) {
  const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<size_t>(sent);
  if (WouldBlock()) return size_t{0};
  return LastError();
}

}  // namespace deit::control
