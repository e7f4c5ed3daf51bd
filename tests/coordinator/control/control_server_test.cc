#include "coordinator/control/control_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "common/control/frame.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/worker_side.h"
#include "tests/support/control_owner.h"
#include "tests/support/loopback_socket.h"

namespace deit::control {
namespace {

using deit::testing::ControlOwner;
using deit::testing::LoopbackSocket;

const std::string kToken(32, 't');

v1::Hello HelloOf(int worker, int attempt = 1) {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_attempt(attempt);
  hello.set_worker(worker);
  hello.set_workers(4);
  return hello;
}

v1::WorkerMessage Step(int64_t step) {
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_step(step);
  return message;
}

// A worker that is played by the test.
struct Player {
  explicit Player(const ControlOwner& owner, const v1::Hello& hello = HelloOf(0), const std::string& token = kToken)
      : socket(LoopbackSocket::Connect(owner.port())), side(hello, token, RandomBytes(kNonceBytes)) {}

  // Answers one frame of the owner. Why that was impossible, if it was.
  Status Answer() {
    const auto message = socket.ReceiveFrame();
    if (!message) return absl::UnavailableError("closed");
    const auto reply = side.Receive(EncodeFrame(*message));
    if (reply.ok()) socket.Send(*reply);
    return reply.status();
  }
  // Until the owner's welcome or refusal.
  Status Introduce() {
    const Status challenged = Answer();
    return challenged.ok() ? Answer() : challenged;
  }
  void Tell(int64_t step) { socket.Send(side.Tell(Step(step))); }

  LoopbackSocket socket;
  WorkerSide side;
};

class ControlServerTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(absl::Seconds(60), 256); }

  void Restart(absl::Duration introduction_deadline, size_t max_connections) {
    good_.reset();
    owner_.reset();
    owner_.emplace(ControlServerOptions{
        .job = "0badf00d", .token = kToken, .introduction_deadline = introduction_deadline, .max_connections = max_connections});
    good_.emplace(*owner_, HelloOf(3));
    ASSERT_TRUE(good_->Introduce().ok());
  }

  // Every test ends with a look at the good worker: it must have lived through all of it.
  void TearDown() override { EXPECT_TRUE(GoodWorkerIsHeard()); }
  bool GoodWorkerIsHeard() {
    good_->Tell(++steps_);
    return owner_->Await([this](const auto& said) { return !said.heartbeats.empty() && said.heartbeats.back().second.step() == steps_; });
  }

  // One connection that sends `bytes` instead of an introduction is closed and counted as `cause`.
  void ExpectRefused(const std::string& bytes, const std::string& cause) {
    Player player(*owner_);
    player.socket.Send(bytes);
    EXPECT_TRUE(player.socket.AwaitClosed()) << cause;
    EXPECT_TRUE(owner_->AwaitRefused(cause, 1)) << cause;
  }
  void ExpectRefused(const v1::Hello& hello, const std::string& token, const std::string& cause) {
    Player player(*owner_, hello, token);
    EXPECT_EQ(player.Introduce().message(), "owner: refuses this worker: " + cause);
    EXPECT_TRUE(player.socket.AwaitClosed());
    EXPECT_TRUE(owner_->AwaitRefused(cause, 1)) << cause;
  }

  std::optional<ControlOwner> owner_;
  std::optional<Player> good_;
  int64_t steps_ = 100;
};

void RaiseDescriptorLimit(rlim_t wanted) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::max(limit.rlim_cur, wanted);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

bool Closed(const ControlOwner::Said& said, int64_t connection, const std::string& cause) {
  for (const auto& closed : said.closed) {
    if (closed == std::make_pair(connection, cause)) return true;
  }
  return false;
}

TEST_F(ControlServerTest, AWorkerIsHeardFromHelloToEnd) {
  {
    Player player(*owner_, HelloOf(2));
    ASSERT_TRUE(player.Introduce().ok());
    player.Tell(7);
    v1::WorkerMessage leaving;
    leaving.set_leaving(true);
    player.socket.Send(player.side.Tell(leaving));
  }
  ASSERT_TRUE(owner_->Await([](const auto& said) { return said.closed.size() == 1; }));
  const auto said = owner_->said();
  ASSERT_EQ(said.hellos.size(), 2u);
  const int64_t connection = said.hellos[1].first;
  EXPECT_EQ(said.hellos[1].second.worker(), 2);
  ASSERT_EQ(said.heartbeats.size(), 1u);
  EXPECT_EQ(said.heartbeats[0].first, connection);
  EXPECT_EQ(said.heartbeats[0].second.step(), 7);
  EXPECT_EQ(said.leavings, std::vector<int64_t>{connection});
  EXPECT_TRUE(Closed(said, connection, "closed by the worker"));
  EXPECT_TRUE(owner_->refused().empty());
}

TEST_F(ControlServerTest, WhoIsNotOfTheJobIsRefusedAndTold) {
  ExpectRefused(HelloOf(0), std::string(32, 'u'), "wrong token");
  ExpectRefused(HelloOf(0, 2), kToken, "another attempt");
  v1::Hello hello = HelloOf(0);
  hello.set_job("0badf00e");
  ExpectRefused(hello, kToken, "another job");
  EXPECT_EQ(owner_->refused().size(), 3u);
  EXPECT_EQ(owner_->said().hellos.size(), 1u) << "only the good worker";
}

TEST_F(ControlServerTest, WhatIsNoIntroductionIsRefused) {
  v1::Introduction introduction;
  introduction.set_version(kProtocolVersion);
  introduction.set_nonce(std::string(kNonceBytes, 'n'));
  introduction.set_hello(HelloOf(0).SerializeAsString());
  ExpectRefused(EncodeFrame(introduction.SerializeAsString()), "no token");
  introduction.set_version(kProtocolVersion + 1);
  ExpectRefused(EncodeFrame(introduction.SerializeAsString()), "another version");
  ExpectRefused(EncodeFrame("\xff\xff"), "unreadable frame");
  ExpectRefused("GET / HTTP/1.1\r\n\r\n", "over-long frame");
}

TEST_F(ControlServerTest, OneThatTurnsBadLaterIsRefusedAndItsCloseIsSaid) {
  const auto turn_bad = [this](const std::string& cause, const std::function<void(Player&)>& be_bad) {
    Player player(*owner_);
    ASSERT_TRUE(player.Introduce().ok());
    const size_t hellos = owner_->said().hellos.size();
    be_bad(player);
    EXPECT_TRUE(player.socket.AwaitClosed()) << cause;
    EXPECT_TRUE(owner_->AwaitRefused(cause, 1)) << cause;
    const auto said = owner_->said();
    ASSERT_EQ(said.hellos.size(), hellos);
    EXPECT_TRUE(Closed(said, said.hellos.back().first, cause)) << cause;
  };
  turn_bad("replayed frame", [](Player& player) {
    const std::string frame = player.side.Tell(Step(1));
    player.socket.Send(frame + frame);
  });
  turn_bad("skipped frame", [](Player& player) {
    player.side.Tell(Step(1));
    player.Tell(2);
  });
  turn_bad("wrong seal", [](Player& player) {
    std::string frame = player.side.Tell(Step(1));
    frame.back() = static_cast<char>(frame.back() ^ 1);
    player.socket.Send(frame);
  });
  turn_bad("over-long frame", [](Player& player) { player.socket.Send(std::string("\0\1\0\1", 4)); });
  turn_bad("unreadable frame", [](Player& player) { player.socket.Send(EncodeFrame("\xff\xff")); });
}

TEST_F(ControlServerTest, OneThatSaysNothingIsRefusedInTime) {
  Restart(absl::Milliseconds(300), 256);
  Player silent(*owner_), half(*owner_);
  half.socket.Send(std::string("\0\0\0\x50 half", 9));
  EXPECT_TRUE(silent.socket.AwaitClosed());
  EXPECT_TRUE(half.socket.AwaitClosed());
  EXPECT_TRUE(owner_->AwaitRefused("not introduced in time", 2));
}

TEST_F(ControlServerTest, RandomBytesAreRefused) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(4 + random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    LoopbackSocket socket = LoopbackSocket::Connect(owner_->port());
    const bool framed = round % 2 == 1;
    socket.Send(framed ? EncodeFrame(bytes) : bytes);
    EXPECT_TRUE(!framed || socket.AwaitClosed());
  }
  EXPECT_EQ(owner_->said().hellos.size(), 1u);
}

TEST_F(ControlServerTest, AThousandConnectionsAreBoundedAndCounted) {
  RaiseDescriptorLimit(2000);
  Restart(absl::Seconds(60), 64);
  std::vector<LoopbackSocket> crowd;
  for (int i = 0; i < 1000; ++i) crowd.push_back(LoopbackSocket::Connect(owner_->port()));
  ASSERT_TRUE(owner_->AwaitRefused("too many connections", 1000 - 63));
  EXPECT_TRUE(GoodWorkerIsHeard());
  Player another(*owner_, HelloOf(1));  // while the crowd holds all other places
  EXPECT_TRUE(another.Introduce().ok());
  const std::map<std::string, int64_t> counted = {{"too many connections", 1000 - 62}};
  EXPECT_EQ(owner_->refused(), counted);
  for (int i = 0; i < 1000 - 62; ++i) EXPECT_TRUE(crowd[static_cast<size_t>(i)].AwaitClosed()) << i;
  const auto said = owner_->said();
  const std::vector<std::pair<std::string, int64_t>> wanted = {
      {"too many connections", 1}, {"too many connections", 10}, {"too many connections", 100}};
  EXPECT_EQ(said.refused, wanted);
  EXPECT_TRUE(said.closed.empty());
}

TEST_F(ControlServerTest, WhenAllAreKnownTheNewestIsOneTooMany) {
  Restart(absl::Seconds(60), 2);
  Player second(*owner_, HelloOf(1));
  ASSERT_TRUE(second.Introduce().ok());
  Player third(*owner_, HelloOf(2));
  EXPECT_EQ(third.Introduce().message(), "owner: refuses this worker: too many connections");
  second.Tell(5);
  EXPECT_TRUE(owner_->Await([](const auto& said) { return said.heartbeats.size() == 1; }));
}

TEST_F(ControlServerTest, OnlyTheSetAttemptIsLetInAndOthersStay) {
  owner_->SetAttempt(2);
  Player second(*owner_, HelloOf(0, 2));
  EXPECT_TRUE(second.Introduce().ok());
  ExpectRefused(HelloOf(0, 1), kToken, "another attempt");
  EXPECT_TRUE(GoodWorkerIsHeard()) << "of attempt 1";
}

TEST_F(ControlServerTest, ManyFramesInOnePieceAreAllHeard) {
  Player player(*owner_);
  ASSERT_TRUE(player.Introduce().ok());
  std::string frames;
  for (int64_t step = 0; step < 1000; ++step) frames += player.side.Tell(Step(step));
  player.socket.Send(frames);
  EXPECT_TRUE(owner_->Await([](const auto& said) { return said.heartbeats.size() == 1000; }));
}

// Else a program that the owner starts would keep them open after the owner's death.
TEST_F(ControlServerTest, ItsSocketsAreNotInherited) {
  int seen = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (address.sin_family != AF_INET || ntohs(address.sin_port) != owner_->port()) continue;
    ++seen;
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC) << fd;
  }
  EXPECT_EQ(seen, 2) << "the listener, and its end of the good worker's connection";
}

TEST_F(ControlServerTest, WithoutDescriptorsItWaitsAndSaysSo) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the undefined behaviour sanitizer needs descriptors itself: it looks at memory through a pipe";
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = ::dup(0);
  ::close(lowest_free);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest_free) + 1;  // room for the next connection's end here, none for its other end
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Player waiting(*owner_, HelloOf(1));
  EXPECT_TRUE(owner_->AwaitRefused("no descriptors left", 2));
  EXPECT_TRUE(GoodWorkerIsHeard());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(waiting.Introduce().ok()) << "it was still waiting";
}

// A callback may end everything, at any of the five.
TEST(ControlServerEndTest, ACallbackMayDestroyTheServer) {
  for (const std::string at : {"hello", "heartbeat", "leaving", "closed", "refused"}) {
    boost::asio::io_context io;
    std::unique_ptr<ControlServer> server;
    std::string last;
    const auto end = [&](const std::string& where) {
      EXPECT_NE(last, at) << where << " after the end";
      last = where;
      if (where == at) server.reset();
    };
    auto started = ControlServer::Start(io, {.job = "0badf00d", .token = kToken},
                                        {.on_hello = [&](int64_t, const v1::Hello&) { end("hello"); },
                                         .on_heartbeat = [&](int64_t, const v1::Heartbeat&) { end("heartbeat"); },
                                         .on_leaving = [&](int64_t) { end("leaving"); },
                                         .on_closed = [&](int64_t, const std::string&) { end("closed"); },
                                         .on_refused = [&](const std::string&, int64_t) { end("refused"); }});
    ASSERT_TRUE(started.ok());
    server = *std::move(started);
    server->SetAttempt(1);
    LoopbackSocket socket = LoopbackSocket::Connect(server->port());
    WorkerSide side(HelloOf(0), kToken, RandomBytes(kNonceBytes));
    std::thread worker([&] {
      socket.Send(side.Receive(EncodeFrame(socket.ReceiveFrame().value_or(""))).value_or(""));
      if (!side.Receive(EncodeFrame(socket.ReceiveFrame().value_or(""))).ok()) return;
      v1::WorkerMessage leaving;
      leaving.set_leaving(true);
      std::string frames = side.Tell(Step(1));  // all in one piece
      const std::string last_words = side.Tell(leaving);
      frames += last_words + last_words;
      socket.Send(frames);
    });
    io.run_for(std::chrono::seconds(20));
    worker.join();
    EXPECT_EQ(last, at);
    EXPECT_EQ(server, nullptr);
  }
}

}  // namespace
}  // namespace deit::control
