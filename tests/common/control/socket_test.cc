#include "common/control/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

namespace deit::control {
namespace {

bool AwaitReadable(const Socket& socket) {
  pollfd wait{.fd = socket.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, 60'000) == 1;
}

// Both ends of a connection over `host`; `listener` may be closed afterwards.
struct Pair {
  explicit Pair(const std::string& host = "127.0.0.1")
      : listener(Listen({.host = host, .port = 0}).value()), address(LocalAddressOf(listener).value()), client(Connect(address).value()),
        server(AwaitReadable(listener) ? ::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1) {}

  Socket listener;
  ControlAddress address;
  Socket client, server;
};

bool HasIpv6() { return Listen({.host = "::1", .port = 0}).ok(); }

TEST(SocketTest, BytesGoBothWays) {
  for (const std::string host : {"127.0.0.1", "::1"}) {
    if (host == "::1" && !HasIpv6()) continue;  // a container without IPv6
    const Pair pair(host);
    EXPECT_EQ(pair.address.host, host);
    EXPECT_GT(pair.address.port, 0);
    char bytes[8];
    EXPECT_EQ(ReceiveSome(pair.server.fd(), bytes, sizeof(bytes)).value(), std::nullopt) << "nothing was sent yet";
    EXPECT_EQ(SendSome(pair.client.fd(), "ping").value(), 4u);
    ASSERT_TRUE(AwaitReadable(pair.server));
    EXPECT_EQ(ReceiveSome(pair.server.fd(), bytes, sizeof(bytes)).value(), 4u);
    EXPECT_EQ(std::string(bytes, 4), "ping");
    EXPECT_EQ(SendSome(pair.server.fd(), "pong").value(), 4u);
    EXPECT_TRUE(AwaitReadable(pair.client));
  }
}

TEST(SocketTest, TheOtherSidesEndIsZeroBytes) {
  Pair pair;
  Socket(pair.client.Release());  // closes it
  ASSERT_TRUE(AwaitReadable(pair.server));
  char byte = 0;
  EXPECT_EQ(ReceiveSome(pair.server.fd(), &byte, 1).value(), 0u);
}

TEST(SocketTest, AFullBufferTakesNothingAndWaitsForNothing) {
  const Pair pair;
  const std::string many(1 << 20, 'x');
  size_t taken = 0, last = 0;
  do {
    last = SendSome(pair.client.fd(), many).value();
    taken += last;
  } while (last > 0);
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, size_t{1} << 30);
}

TEST(SocketTest, AConnectionThatNobodyAcceptsIsRefused) {
  ControlAddress address;
  {
    const Socket listener = Listen({}).value();
    address = LocalAddressOf(listener).value();
  }
  const auto socket = Connect(address);  // loopback may know at once
  if (!socket.ok()) {
    EXPECT_EQ(socket.status(), absl::UnavailableError("connection refused"));
    return;
  }
  ASSERT_TRUE(AwaitReadable(*socket));
  char byte = 0;
  EXPECT_EQ(ReceiveSome(socket->fd(), &byte, 1).status(), absl::UnavailableError("connection refused"));
}

TEST(SocketTest, AnAddressInUseIsAnError) {
  const Pair pair;
  EXPECT_EQ(Listen(pair.address).status(), absl::UnavailableError("address already in use"));
}

TEST(SocketTest, OnlyNumericHostsAreTaken) {
  for (const char* host : {"127.0.0.1", "10.1.2.3", "0.0.0.0", "::1", "fe80::1"}) EXPECT_TRUE(IsNumericHost(host)) << host;
  for (const char* host : {"", "localhost", "127.0.0", "1.2.3.4.5", "::g", "127.0.0.1 "}) {
    EXPECT_FALSE(IsNumericHost(host)) << host;
    EXPECT_FALSE(Listen({.host = host, .port = 0}).ok()) << host;
    EXPECT_FALSE(Connect({.host = host, .port = 1}).ok()) << host;
  }
}

TEST(SocketTest, SocketsAreNotInherited) {
  const Pair pair;
  for (const Socket* socket : {&pair.listener, &pair.client}) EXPECT_TRUE(::fcntl(socket->fd(), F_GETFD) & FD_CLOEXEC);
}

}  // namespace
}  // namespace deit::control
