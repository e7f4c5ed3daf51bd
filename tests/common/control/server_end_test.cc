#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/control/client_protocol.h"
#include "common/control/frame.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/server.h"
#include "tests/support/loopback_socket.h"

namespace deit::control {
namespace {

using deit::testing::LoopbackSocket;

const std::string kToken(32, 't');
constexpr std::chrono::seconds kTimeout(60);

v1::Hello Hello() {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_launch(1);
  hello.set_role(v1::Role::STUDENT);
  hello.set_workers(1);
  return hello;
}

// Calls back with the name of each call.
class NamingHandler : public MessageHandler {
 public:
  explicit NamingHandler(std::function<void(const std::string&)> on_call) : on_call_(std::move(on_call)) {}
  void OnHello(ConnectionId, const v1::Hello&) override { on_call_("hello"); }
  void OnMessage(ConnectionId, const v1::WorkerMessage& message) override { on_call_(message.has_leaving() ? "leaving" : "heartbeat"); }
  void OnClosed(ConnectionId, const std::string&) override { on_call_("closed"); }

 private:
  const std::function<void(const std::string&)> on_call_;
};

std::unique_ptr<Server> StartServer(boost::asio::io_context& io, MessageHandler& handler) {
  ServerOptions options;
  options.job = "0badf00d";
  options.token = kToken;
  options.handlers = {{v1::Role::STUDENT, &handler}};
  auto server = Server::Start(io, std::move(options));
  EXPECT_TRUE(server.ok()) << server.status();
  (*server)->Admit(1, {.role = v1::Role::STUDENT, .workers = 1});
  return *std::move(server);
}

// A worker's whole life, with a frame too many at its end; blocking.
void PlayWorker(uint16_t port) {
  LoopbackSocket socket = LoopbackSocket::Connect(port);
  ClientProtocol protocol(Hello(), kToken, RandomBytes(kNonceBytes));
  const auto auth = protocol.Receive(EncodeFrame(socket.ReceiveFrame().value_or("")));
  if (!auth.ok()) return;
  socket.Send(auth->reply);
  if (!protocol.Receive(EncodeFrame(socket.ReceiveFrame().value_or(""))).ok()) return;
  v1::WorkerMessage heartbeat, leaving;
  heartbeat.mutable_heartbeat();
  leaving.mutable_leaving();
  std::string frames = protocol.Encode(heartbeat);  // all in one piece
  const std::string last = protocol.Encode(leaving);
  frames += last + last;
  socket.Send(frames);
}

// Any call may end everything.
TEST(ServerEndTest, ACallOfAHandlerMayDestroyTheServer) {
  for (const std::string at : {"hello", "heartbeat", "leaving", "closed"}) {
    boost::asio::io_context io;
    std::unique_ptr<Server> server;
    std::string last;
    NamingHandler handler([&](const std::string& call) {
      EXPECT_NE(last, at) << call << " after the end";
      last = call;
      if (call == at) server.reset();
    });
    server = StartServer(io, handler);
    std::thread worker(PlayWorker, server->address().port);
    io.run_for(kTimeout);
    worker.join();
    EXPECT_EQ(last, at);
    EXPECT_EQ(server, nullptr);
    EXPECT_TRUE(io.stopped()) << "nothing of the server is left in the loop";
  }
}

TEST(ServerEndTest, TheReportOfARejectionMayDestroyTheServer) {
  boost::asio::io_context io;
  std::unique_ptr<Server> server;
  ServerOptions options;
  options.on_rejected = [&](const std::string&, int64_t) { server.reset(); };
  auto started = Server::Start(io, std::move(options));
  ASSERT_TRUE(started.ok());
  server = *std::move(started);
  LoopbackSocket stranger = LoopbackSocket::Connect(server->address().port);
  stranger.Send("GET / HTTP/1.1\r\n\r\n");
  io.run_for(kTimeout);
  EXPECT_EQ(server, nullptr);
  EXPECT_TRUE(io.stopped());
}

TEST(ServerEndTest, CloseReportsWhenNothingOfTheServerIsLeft) {
  boost::asio::io_context io;
  int calls = 0;
  NamingHandler handler([&](const std::string&) { ++calls; });
  auto server = StartServer(io, handler);
  const uint16_t port = server->address().port;
  LoopbackSocket stranger = LoopbackSocket::Connect(port), another = LoopbackSocket::Connect(port);
  io.run_for(std::chrono::milliseconds(10));
  bool ended = false;
  server->Close([&] { ended = true; });
  server->Close([] { ADD_FAILURE() << "only the first one counts"; });
  EXPECT_FALSE(ended) << "not before the loop runs";
  server.reset();
  io.restart();
  io.run_for(kTimeout);
  EXPECT_TRUE(ended);
  EXPECT_TRUE(io.stopped());
  EXPECT_TRUE(stranger.AwaitClosed());
  EXPECT_TRUE(another.AwaitClosed());
  EXPECT_EQ(calls, 0);
}

// As a service ends one of its jobs.
TEST(ServerEndTest, OtherServersOfTheLoopGoOn) {
  boost::asio::io_context io;
  std::unique_ptr<Server> going_on;
  bool ended = false;
  NamingHandler unused([](const std::string&) {});
  NamingHandler handler([&](const std::string& call) {
    if (call == "closed") going_on.reset();
  });
  auto closing = StartServer(io, unused);
  going_on = StartServer(io, handler);
  std::thread worker(PlayWorker, going_on->address().port);
  closing->Close([&] { ended = true; });
  io.run_for(kTimeout);
  worker.join();
  EXPECT_TRUE(ended);
  EXPECT_EQ(going_on, nullptr) << "its worker came and went";
}

TEST(ServerEndTest, TheLoopMayEndFirst) {
  NamingHandler handler([](const std::string&) {});
  auto io = std::make_unique<boost::asio::io_context>();
  auto server = StartServer(*io, handler);
  const LoopbackSocket stranger = LoopbackSocket::Connect(server->address().port);
  io->run_for(std::chrono::milliseconds(10));
  server->Close([] { ADD_FAILURE() << "a loop that does not run calls nothing"; });
  server.reset();
  io.reset();
}

}  // namespace
}  // namespace deit::control
