#include "common/control/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "common/control/client_protocol.h"
#include "common/control/frame.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "tests/support/control_owner.h"
#include "tests/support/loopback_socket.h"

namespace {
std::atomic<int> accept_failures{0};
}

// Takes the place of the C library's: fails for want of descriptors as often as a test says. The kernel then keeps the connection in its queue.
extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (accept_failures > 0) {
    --accept_failures;
    errno = EMFILE;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_accept4, fd, address, size, flags));
}

namespace deit::control {
namespace {

using deit::testing::ControlOwner;
using deit::testing::LoopbackSocket;

const std::string kToken(32, 't');

v1::Hello HelloOf(int worker, int launch = 1) {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_launch(launch);
  hello.set_role(v1::Role::STUDENT);
  hello.set_rank(worker);
  hello.set_worker(worker);
  hello.set_workers(4);
  return hello;
}

v1::WorkerMessage Step(int64_t step) {
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_step(step);
  return message;
}

v1::WorkerMessage Leaving() {
  v1::WorkerMessage message;
  message.mutable_leaving();
  return message;
}

v1::OwnerMessage Stop() {
  v1::OwnerMessage message;
  message.mutable_stop();
  return message;
}

// 60 KB: of a future owner that says more.
v1::OwnerMessage LargeStop() {
  v1::OwnerMessage message;
  auto* stop = message.mutable_stop();
  stop->GetReflection()->MutableUnknownFields(stop)->AddLengthDelimited(15, std::string(60'000, 'x'));
  return message;
}

ServerOptions Options() {
  ServerOptions options;
  options.job = "0badf00d";
  options.token = kToken;
  options.handshake_deadline = absl::Seconds(60);
  options.max_connections = 256;
  return options;
}

// A worker that is played by the test.
struct Player {
  explicit Player(const ControlOwner& owner, const v1::Hello& hello = HelloOf(0), const std::string& token = kToken)
      : socket(LoopbackSocket::Connect(owner.port())), protocol(hello, token, RandomBytes(kNonceBytes)) {}

  // Answers one frame of the owner. Why that was impossible, if it was.
  Status Answer() {
    const auto message = socket.ReceiveFrame();
    if (!message) return absl::UnavailableError("closed");
    const auto reply = protocol.Receive(EncodeFrame(*message));
    if (!reply.ok()) return reply.status();
    socket.Send(reply->reply);
    messages += reply->messages.size();
    return absl::OkStatus();
  }
  // Until the owner admits or rejects this worker.
  Status Authenticate() {
    const Status challenged = Answer();
    return challenged.ok() ? Answer() : challenged;
  }
  void Tell(int64_t step) { socket.Send(protocol.Encode(Step(step))); }

  LoopbackSocket socket;
  ClientProtocol protocol;
  size_t messages = 0;  // received
};

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(Options()); }

  void Restart(ServerOptions options) {
    good_.reset();
    owner_.reset();
    owner_.emplace(std::move(options), 4);
    good_.emplace(*owner_, HelloOf(3));
    ASSERT_TRUE(good_->Authenticate().ok());
  }

  // Every test ends with a look at the good worker: it must have lived through all of it.
  void TearDown() override { EXPECT_TRUE(GoodWorkerIsReceived()); }
  bool GoodWorkerIsReceived() {
    good_->Tell(++steps_);
    return owner_->Await(
        [this](const auto& received) { return !received.heartbeats.empty() && received.heartbeats.back().second.step() == steps_; });
  }

  // One connection that sends `bytes` instead of a ClientAuth is closed and counted as `cause`.
  void ExpectRejected(const std::string& bytes, const std::string& cause) {
    Player player(*owner_);
    player.socket.Send(bytes);
    EXPECT_TRUE(player.socket.AwaitClosed()) << cause;
    EXPECT_TRUE(owner_->AwaitRejected(cause, 1)) << cause;
  }
  void ExpectRejected(const v1::Hello& hello, const std::string& token, const std::string& cause, const std::string& detail) {
    Player player(*owner_, hello, token);
    EXPECT_EQ(player.Authenticate().message(), "owner: rejects this worker: " + cause + detail);
    EXPECT_TRUE(player.socket.AwaitClosed());
    EXPECT_TRUE(owner_->AwaitRejected(cause, 1)) << cause;
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

bool Closed(const ControlOwner::Received& received, int64_t connection, const std::string& cause) {
  for (const auto& closed : received.closed) {
    if (closed == std::make_pair(connection, cause)) return true;
  }
  return false;
}

TEST_F(ServerTest, AWorkerIsReceivedFromHelloToEnd) {
  {
    Player player(*owner_, HelloOf(2));
    ASSERT_TRUE(player.Authenticate().ok());
    player.Tell(7);
    player.socket.Send(player.protocol.Encode(Leaving()));
  }
  ASSERT_TRUE(owner_->Await([](const auto& received) { return received.closed.size() == 1; }));
  const auto received = owner_->received();
  ASSERT_EQ(received.hellos.size(), 2u);
  const int64_t connection = received.hellos[1].first;
  EXPECT_EQ(received.hellos[1].second.worker(), 2);
  ASSERT_EQ(received.heartbeats.size(), 1u);
  EXPECT_EQ(received.heartbeats[0].first, connection);
  EXPECT_EQ(received.heartbeats[0].second.step(), 7);
  EXPECT_EQ(received.leavings, std::vector<int64_t>{connection});
  EXPECT_TRUE(Closed(received, connection, "closed by the worker"));
  EXPECT_TRUE(owner_->rejected().empty());
}

TEST_F(ServerTest, AWorkerThatIsNotAdmittedIsToldTheCause) {
  ExpectRejected(HelloOf(0), std::string(32, 'u'), "wrong token", "");
  ExpectRejected(HelloOf(0, 2), kToken, "another launch", ": this worker is of launch 2, admitted: launch 1");
  v1::Hello hello = HelloOf(0);
  hello.set_job("0badf00e");
  ExpectRejected(hello, kToken, "another job", ": this is job 0badf00d");
  hello = HelloOf(0);
  hello.set_role(v1::Role::TEACHER);
  ExpectRejected(hello, kToken, "another role", ": this worker is a teacher, launch 1 is of role student");
  hello = HelloOf(0);
  hello.set_workers(1);
  ExpectRejected(hello, kToken, "another number of workers", ": this worker counts 1, launch 1 has 4");
  EXPECT_EQ(owner_->rejected().size(), 5u);
  EXPECT_EQ(owner_->received().hellos.size(), 1u) << "only the good worker";
}

TEST_F(ServerTest, AnythingElseThanAClientAuthIsRejected) {
  v1::ClientAuth auth;
  auth.set_version(kProtocolVersion);
  auth.set_nonce(std::string(kNonceBytes, 'n'));
  auth.set_hello(HelloOf(0).SerializeAsString());
  ExpectRejected(EncodeFrame(auth.SerializeAsString()), "no token");
  auth.set_version(kProtocolVersion - 1);
  ExpectRejected(EncodeFrame(auth.SerializeAsString()), "another version");
  ExpectRejected(EncodeFrame("\xff\xff"), "malformed frame");
  ExpectRejected("GET / HTTP/1.1\r\n\r\n", "over-long frame");
}

TEST_F(ServerTest, OneThatTurnsBadLaterIsRejectedAndReportedClosed) {
  const auto turn_bad = [this](const std::string& cause, const std::function<void(Player&)>& be_bad) {
    Player player(*owner_);
    ASSERT_TRUE(player.Authenticate().ok());
    const size_t hellos = owner_->received().hellos.size();
    be_bad(player);
    EXPECT_TRUE(player.socket.AwaitClosed()) << cause;
    EXPECT_TRUE(owner_->AwaitRejected(cause, 1)) << cause;
    const auto received = owner_->received();
    ASSERT_EQ(received.hellos.size(), hellos);
    EXPECT_TRUE(Closed(received, received.hellos.back().first, cause)) << cause;
  };
  turn_bad("replayed frame", [](Player& player) {
    const std::string frame = player.protocol.Encode(Step(1));
    player.socket.Send(frame + frame);
  });
  turn_bad("skipped frame", [](Player& player) {
    player.protocol.Encode(Step(1));
    player.Tell(2);
  });
  turn_bad("wrong MAC", [](Player& player) {
    std::string frame = player.protocol.Encode(Step(1));
    frame.back() = static_cast<char>(frame.back() ^ 1);
    player.socket.Send(frame);
  });
  turn_bad("over-long frame", [](Player& player) { player.socket.Send(std::string("\0\1\0\1", 4)); });
  turn_bad("malformed frame", [](Player& player) { player.socket.Send(EncodeFrame("\xff\xff")); });
}

TEST_F(ServerTest, OneThatSendsNothingIsRejectedInTime) {
  ServerOptions options = Options();
  options.handshake_deadline = absl::Seconds(3);  // the good worker has to be in by then
  Restart(options);
  Player silent(*owner_), half(*owner_);
  half.socket.Send(std::string("\0\0\0\x50 half", 9));
  EXPECT_TRUE(silent.socket.AwaitClosed());
  EXPECT_TRUE(half.socket.AwaitClosed());
  EXPECT_TRUE(owner_->AwaitRejected("not authenticated in time", 2));
}

TEST_F(ServerTest, RandomBytesAreRejected) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(4 + random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    LoopbackSocket socket = LoopbackSocket::Connect(owner_->port());
    const bool framed = round % 2 == 1;
    socket.Send(framed ? EncodeFrame(bytes) : bytes);
    EXPECT_TRUE(!framed || socket.AwaitClosed());
  }
  EXPECT_EQ(owner_->received().hellos.size(), 1u);
}

TEST_F(ServerTest, AThousandConnectionsAreBoundedAndCounted) {
  RaiseDescriptorLimit(2000);
  ServerOptions options = Options();
  options.max_connections = 64;
  Restart(options);
  std::vector<LoopbackSocket> crowd;
  for (int i = 0; i < 1000; ++i) crowd.push_back(LoopbackSocket::Connect(owner_->port()));
  ASSERT_TRUE(owner_->AwaitRejected("too many connections", 1000 - 63));
  EXPECT_TRUE(GoodWorkerIsReceived());
  Player another(*owner_, HelloOf(1));  // while the crowd holds all other places
  EXPECT_TRUE(another.Authenticate().ok());
  const std::map<std::string, int64_t> counted = {{"too many connections", 1000 - 62}};
  EXPECT_EQ(owner_->rejected(), counted);
  for (int i = 0; i < 1000 - 62; ++i) EXPECT_TRUE(crowd[static_cast<size_t>(i)].AwaitClosed()) << i;
  const auto received = owner_->received();
  const std::vector<std::pair<std::string, int64_t>> wanted = {
      {"too many connections", 1}, {"too many connections", 10}, {"too many connections", 100}};
  EXPECT_EQ(received.rejected, wanted);
  EXPECT_TRUE(received.closed.empty());
}

TEST_F(ServerTest, WhenAllAreAuthenticatedTheNewestIsRejected) {
  ServerOptions options = Options();
  options.max_connections = 2;
  Restart(options);
  Player second(*owner_, HelloOf(1));
  ASSERT_TRUE(second.Authenticate().ok());
  Player third(*owner_, HelloOf(2));
  EXPECT_EQ(third.Authenticate().message(), "owner: rejects this worker: too many connections");
  second.Tell(5);
  EXPECT_TRUE(owner_->Await([](const auto& received) { return received.heartbeats.size() == 1; }));
}

TEST_F(ServerTest, SeveralLaunchesAreAdmittedAtOnce) {
  owner_->Admit(2, {.role = v1::Role::TEACHER, .workers = 8});
  v1::Hello hello = HelloOf(0, 2);
  hello.set_role(v1::Role::TEACHER);
  hello.set_workers(8);
  Player teacher(*owner_, hello), student(*owner_, HelloOf(0, 1));
  EXPECT_TRUE(teacher.Authenticate().ok());
  EXPECT_TRUE(student.Authenticate().ok());
  owner_->Revoke(1);
  ExpectRejected(HelloOf(1, 1), kToken, "another launch", ": this worker is of launch 1, admitted: launch 2");
  teacher.Tell(1);
  student.Tell(2);
  EXPECT_TRUE(owner_->Await([](const auto& received) { return received.heartbeats.size() == 2; })) << "open connections stay";
}

TEST_F(ServerTest, AStopCommandArrivesWhereItIsSent) {
  Player player(*owner_, HelloOf(0));
  ASSERT_TRUE(player.Authenticate().ok());
  const auto hellos = owner_->received().hellos;
  ASSERT_EQ(hellos.size(), 2u);
  EXPECT_TRUE(owner_->Send(hellos[1].first, Stop()).ok());
  EXPECT_TRUE(player.Answer().ok());
  EXPECT_EQ(player.messages, 1u);
  player.Tell(1);
  EXPECT_TRUE(owner_->Await([](const auto& received) { return received.heartbeats.size() == 1; })) << "and the connection goes on";
  EXPECT_TRUE(owner_->Send(hellos[0].first, Stop()).ok());
  EXPECT_TRUE(good_->Answer().ok());
  EXPECT_TRUE(absl::IsNotFound(owner_->Send(hellos[1].first + 1, Stop())));
}

// What is sent goes into the kernel's buffers first, then into the queue, and a full queue closes the connection.
TEST_F(ServerTest, AWorkerThatDoesNotReadIsClosed) {
  Player player(*owner_, HelloOf(0));
  ASSERT_TRUE(player.Authenticate().ok());
  const int64_t connection = owner_->received().hellos.back().first;
  Status sent;
  int64_t count = 0;
  owner_->Do([&](Server& server) {
    for (; sent.ok() && count < 10'000; ++count) sent = server.Send(connection, LargeStop());
    EXPECT_TRUE(absl::IsNotFound(server.Send(connection, Stop()))) << "before the handler knows";
  });
  EXPECT_EQ(sent, absl::ResourceExhaustedError("send queue full (worker is not reading)"));
  EXPECT_GT(count, 4);
  EXPECT_TRUE(owner_->Await([&](const auto& received) { return Closed(received, connection, "send queue full (worker is not reading)"); }));
  EXPECT_TRUE(absl::IsNotFound(owner_->Send(connection, Stop())));
}

// The queue goes on as soon as the worker reads, and keeps the order: the counters would not fit otherwise.
TEST_F(ServerTest, AWorkerThatReadsLateGetsEverything) {
  ServerOptions options = Options();
  options.max_queued_bytes = size_t{1} << 30;
  Restart(options);
  const int64_t connection = owner_->received().hellos.back().first;
  constexpr size_t kMessages = 500;  // 30 MB: more than the kernel's buffers
  owner_->Do([&](Server& server) {
    for (size_t i = 0; i < kMessages; ++i) ASSERT_TRUE(server.Send(connection, LargeStop()).ok());
  });
  while (good_->messages < kMessages) ASSERT_TRUE(good_->Answer().ok()) << good_->messages;
}

TEST_F(ServerTest, ManyFramesInOnePieceAreAllReceived) {
  Player player(*owner_);
  ASSERT_TRUE(player.Authenticate().ok());
  std::string frames;
  for (int64_t step = 0; step < 1000; ++step) frames += player.protocol.Encode(Step(step));
  player.socket.Send(frames);
  EXPECT_TRUE(owner_->Await([](const auto& received) { return received.heartbeats.size() == 1000; }));
}

// Else a program that the owner starts would keep them open after the owner's death.
TEST_F(ServerTest, ItsSocketsAreNotInherited) {
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

TEST_F(ServerTest, WithoutDescriptorsTheOldestStrangerGivesWay) {
  Player first(*owner_, HelloOf(1)), second(*owner_, HelloOf(2));
  ASSERT_TRUE(first.socket.ReceiveFrame() && second.socket.ReceiveFrame()) << "both are accepted";
  accept_failures = 1;
  Player worker(*owner_, HelloOf(0));
  EXPECT_TRUE(worker.Authenticate().ok());
  EXPECT_TRUE(first.socket.AwaitClosed());
  const std::map<std::string, int64_t> counted = {{"too many connections", 1}};
  EXPECT_EQ(owner_->rejected(), counted);
}

TEST_F(ServerTest, WithoutDescriptorsAndStrangersTheNextConnectionWaits) {
  accept_failures = 2;
  Player waiting(*owner_, HelloOf(1));
  EXPECT_TRUE(owner_->AwaitRejected("no descriptors left", 2));
  EXPECT_TRUE(GoodWorkerIsReceived());
  EXPECT_TRUE(waiting.Authenticate().ok());
  const std::map<std::string, int64_t> counted = {{"no descriptors left", 2}};
  EXPECT_EQ(owner_->rejected(), counted);
}

TEST(ServerOptionsTest, AtMostAQuarterOfTheDescriptorsIsForConnections) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto with_limit = [&before](rlim_t descriptors) {
    rlimit limit = before;
    limit.rlim_cur = descriptors;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    const size_t connections = DefaultMaxConnections();
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    return connections;
  };
  EXPECT_EQ(with_limit(64), 16u);
  EXPECT_EQ(with_limit(before.rlim_max), std::min<size_t>(256, before.rlim_max / 4));
}

TEST(ServerStartTest, AnAddressThatCannotBeBoundIsNamed) {
  boost::asio::io_context io;
  ServerOptions options = Options();
  options.bind = {.host = "localhost", .port = 0};
  EXPECT_EQ(Server::Start(io, options).status().message(), "localhost:0: cannot listen: host \"localhost\" is not numeric");
  options.bind = {};
  const auto first = Server::Start(io, options);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ((*first)->address().host, "127.0.0.1");
  options.bind = (*first)->address();
  EXPECT_EQ(Server::Start(io, options).status().message(), ToString(options.bind) + ": cannot listen: address already in use");
}

}  // namespace
}  // namespace deit::control
