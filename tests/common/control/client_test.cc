#include "common/control/client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/base/log.h"
#include "common/control/control_address.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/server_protocol.h"
#include "common/control/token_file.h"
#include "tests/support/control_owner.h"
#include "tests/support/loopback_socket.h"
#include "tests/support/temp_folder.h"

namespace deit::control {
namespace {

using deit::testing::ControlOwner;
using deit::testing::LoopbackListener;
using deit::testing::LoopbackSocket;

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    token_ = CreateToken(token_path_).value();
    log_ = ::open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    SetLogCopies(-1, log_);
  }
  void TearDown() override {
    client_.reset();
    SetLogCopies(-1, -1);
    ::close(log_);
  }

  ClientOptions Options(absl::Duration interval) {
    v1::Hello hello;
    hello.set_job("0badf00d");
    hello.set_launch(1);
    hello.set_role(v1::Role::STUDENT);
    hello.set_workers(1);
    return {.control_path = control_path_,
            .token_path = token_path_,
            .hello = hello,
            .sample = [this] { return Sample(); },
            .on_message = [this](const v1::OwnerMessage& message) { stops_ += message.has_stop() ? 1 : 0; },
            .on_change = on_change_,
            .interval = interval,
            .handshake_deadline = handshake_deadline_};
  }
  v1::Heartbeat Sample() {
    v1::Heartbeat heartbeat;
    heartbeat.set_step(step_);
    heartbeat.set_phase(std::string(phase_bytes_, 'x'));
    ++samples_;
    return heartbeat;
  }
  void StartClient(absl::Duration interval = absl::Milliseconds(10)) { client_ = Client::Start(Options(interval)); }

  // At most what its user is promised, and room for a busy machine.
  void ExpectQuickEnd() {
    const absl::Time start = absl::Now();
    client_.reset();
    EXPECT_LT(absl::Now() - start, absl::Seconds(10));
    const int64_t samples = samples_;
    EXPECT_EQ(samples, samples_) << "the callbacks are not called any more";
  }

  void StartOwner() {
    ServerOptions options;
    options.job = "0badf00d";
    options.token = token_;
    owner_.emplace(options);
    Announce(owner_->port());
  }
  void Announce(uint16_t port) { ASSERT_TRUE(WriteControlAddress(files::FileSystem::Posix(), control_path_, {.port = port}).ok()); }

  bool AwaitHeartbeats(size_t count) {
    return owner_->Await([count](const auto& received) { return received.heartbeats.size() >= count; });
  }

  std::vector<std::string> LogLines() const {
    std::ifstream file(log_path_);
    std::stringstream text;
    text << file.rdbuf();
    return absl::StrSplit(text.str(), '\n', absl::SkipEmpty());
  }
  int64_t LinesWith(const std::string& part) const {
    const auto lines = LogLines();
    return std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return absl::StrContains(line, part); });
  }
  bool AwaitStops(int64_t count) const {
    return AwaitTrue([&] { return stops_ >= count; });
  }
  static bool AwaitTrue(const std::function<bool()>& wanted) {
    const absl::Time deadline = absl::Now() + ControlOwner::kTimeout;
    while (!wanted() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
    return wanted();
  }
  bool AwaitLine(const std::string& part) const {
    return AwaitTrue([&] { return LinesWith(part) > 0; });
  }

  deit::testing::TempFolder folder_;
  const std::string control_path_ = folder_ / "control.json";
  const std::string token_path_ = folder_ / "token";
  const std::string log_path_ = folder_ / "log";
  std::string token_;
  int log_ = -1;
  std::atomic<int64_t> step_{0}, samples_{0}, stops_{0};
  std::atomic<size_t> phase_bytes_{4};
  absl::Duration handshake_deadline_ = absl::Seconds(60);
  std::function<void(const Status&)> on_change_ = LogConnectionChange;
  std::optional<ControlOwner> owner_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, SendsTheWorkersProgressAndThatItLeaves) {
  StartOwner();
  step_ = 7;
  StartClient();
  ASSERT_TRUE(AwaitHeartbeats(3));
  step_ = 8;
  ASSERT_TRUE(owner_->Await([](const auto& received) { return received.heartbeats.back().second.step() == 8; }));
  ExpectQuickEnd();
  ASSERT_TRUE(owner_->Await([](const auto& received) { return received.closed.size() == 1; }));
  const auto received = owner_->received();
  ASSERT_EQ(received.hellos.size(), 1u);
  EXPECT_EQ(received.hellos[0].second.job(), "0badf00d");
  EXPECT_EQ(received.heartbeats[0].second.step(), 7);
  EXPECT_EQ(received.leavings.size(), 1u);
  EXPECT_TRUE(LogLines().empty()) << "all went as it should";
}

TEST_F(ClientTest, SendNowDoesNotWaitForTheInterval) {
  StartOwner();
  StartClient(absl::Hours(1));
  ASSERT_TRUE(AwaitHeartbeats(1));
  for (size_t count = 2; count < 10; ++count) {
    client_->SendNow();
    EXPECT_TRUE(AwaitHeartbeats(count));
  }
  ExpectQuickEnd();
  EXPECT_TRUE(owner_->Await([](const auto& received) { return received.leavings.size() == 1; }));
}

TEST_F(ClientTest, AStopCommandArrives) {
  StartOwner();
  StartClient(absl::Hours(1));
  ASSERT_TRUE(AwaitHeartbeats(1));
  v1::OwnerMessage stop;
  stop.mutable_stop();
  ASSERT_TRUE(owner_->Send(owner_->received().hellos[0].first, stop).ok());
  EXPECT_TRUE(AwaitStops(1)) << "although no heartbeat is due for an hour";
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(owner_->Send(owner_->received().hellos[0].first, stop).ok());
  EXPECT_TRUE(AwaitStops(1001));
  client_->SendNow();
  EXPECT_TRUE(AwaitHeartbeats(2)) << "and the connection goes on";
  ExpectQuickEnd();
}

// What a handler sends from OnHello is in the same piece as the owner's proof.
TEST_F(ClientTest, AStopCommandMayComeWithTheAdmission) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient();
  auto socket = listener.Accept();
  ASSERT_TRUE(socket.has_value());
  const AdmissionRules rules{.job = "0badf00d", .token = token_, .launches = {{1, {.role = v1::Role::STUDENT, .workers = 1}}}};
  ServerProtocol owner(&rules, RandomBytes(kNonceBytes));
  socket->Send(owner.Challenge());
  std::string bytes = owner.Receive(EncodeFrame(socket->ReceiveFrame().value_or(""))).reply;
  v1::OwnerMessage stop;
  stop.mutable_stop();
  bytes += owner.Encode(stop);
  socket->Send(bytes);
  EXPECT_TRUE(AwaitStops(1));
}

TEST_F(ClientTest, ReportsTheOwnersReasonToItsCaller) {
  StartOwner();
  owner_->Admit(1, {.role = v1::Role::STUDENT, .workers = 3});
  std::promise<Status> rejection;
  on_change_ = [&](const Status& state) {
    if (absl::IsPermissionDenied(state)) rejection.set_value(state);
  };
  StartClient();
  auto reported = rejection.get_future();
  ASSERT_EQ(reported.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_EQ(reported.get(),
            absl::PermissionDeniedError("owner: rejects this worker: another number of workers: this worker counts 1, launch 1 has 3"));
  EXPECT_TRUE(owner_->AwaitRejected("another number of workers", 2)) << "and it connects again";
  ExpectQuickEnd();
}

TEST_F(ClientTest, ARestartedOwnerIsFoundOnAnotherPort) {
  StartOwner();
  StartClient();
  ASSERT_TRUE(AwaitHeartbeats(1));
  const LoopbackListener occupied;  // so that the next one has another port
  const uint16_t first_port = owner_->port();
  owner_.reset();
  EXPECT_TRUE(AwaitLine("training goes on without an owner"));
  StartOwner();
  EXPECT_NE(owner_->port(), first_port);
  ASSERT_TRUE(AwaitHeartbeats(1));
  EXPECT_TRUE(AwaitLine("owner: connected"));
  EXPECT_EQ(LogLines().size(), 2u) << "one line for each change";
}

TEST_F(ClientTest, WhateverIsMissingIsLookedForAgain) {
  std::filesystem::remove(token_path_);
  StartClient();
  EXPECT_TRUE(AwaitLine("control.json"));
  std::ofstream(control_path_) << "{ nonsense";
  client_->SendNow();
  StartOwner();
  client_->SendNow();
  token_ = CreateToken(token_path_).value();
  StartOwner();
  EXPECT_TRUE(AwaitHeartbeats(1));
  EXPECT_TRUE(AwaitLine("owner: connected"));
  EXPECT_EQ(LogLines().size(), 2u);
}

TEST_F(ClientTest, ARejectionIsLoggedOnceAndTriedAgain) {
  const std::string right = token_;
  token_ = std::string(kTokenBytes, 'x');
  StartOwner();
  StartClient();
  EXPECT_TRUE(owner_->AwaitRejected("wrong token", 20));
  EXPECT_EQ(LinesWith("owner: rejects this worker: wrong token"), 1);
  token_ = right;
  StartOwner();
  EXPECT_TRUE(AwaitHeartbeats(1));
  EXPECT_TRUE(AwaitLine("owner: connected"));
  EXPECT_EQ(LogLines().size(), 2u);
}

TEST_F(ClientTest, ATokenThatOthersMayReadIsNotUsed) {
  ASSERT_EQ(::chmod(token_path_.c_str(), 0644), 0);
  StartOwner();
  StartClient();
  EXPECT_TRUE(AwaitLine("others may know this secret"));
  ASSERT_EQ(::chmod(token_path_.c_str(), 0600), 0);
  EXPECT_TRUE(AwaitHeartbeats(1));
}

// An owner of the protocol's first version said no more than this.
TEST_F(ClientTest, AnOwnerOfAnotherVersionIsNamed) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient();
  auto socket = listener.Accept();
  ASSERT_TRUE(socket.has_value());
  v1::Challenge challenge;
  challenge.set_version(1);
  socket->Send(EncodeFrame(challenge.SerializeAsString()));
  v1::ClientAuth auth;
  ASSERT_TRUE(auth.ParseFromString(socket->ReceiveFrame().value_or("\xff")));
  EXPECT_EQ(auth.version(), kProtocolVersion);
  v1::ServerAuth reply;
  reply.set_rejection("another version");
  socket->Send(EncodeFrame(reply.SerializeAsString()));
  EXPECT_TRUE(AwaitLine("owner: rejects this worker: another version: the owner speaks protocol 1, the worker 2"));
}

// The owner's side of a connection that is played by the test, authenticated.
struct PlayedOwner {
  PlayedOwner(LoopbackSocket accepted, const std::string& token)
      : rules{.job = "0badf00d", .token = token, .launches = {{1, {.role = v1::Role::STUDENT, .workers = 1}}}},
        protocol(&rules, RandomBytes(kNonceBytes)), socket(std::move(accepted)) {
    socket.Send(protocol.Challenge());
    socket.Send(protocol.Receive(EncodeFrame(socket.ReceiveFrame().value_or(""))).reply);
    EXPECT_TRUE(protocol.authenticated());
  }
  PlayedOwner(const PlayedOwner&) = delete;
  PlayedOwner& operator=(const PlayedOwner&) = delete;

  AdmissionRules rules;
  ServerProtocol protocol;
  LoopbackSocket socket;
};

TEST_F(ClientTest, AnOwnerThatTalksNonsenseIsLeft) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient();
  for (const std::string& nonsense : {EncodeFrame("nonsense"), std::string("\xff\xff\xff\xff")}) {
    auto socket = listener.Accept();
    ASSERT_TRUE(socket.has_value());
    PlayedOwner owner(*std::move(socket), token_);
    owner.socket.Send(nonsense);
    EXPECT_TRUE(owner.socket.AwaitClosed());
    auto stranger = listener.Accept();
    ASSERT_TRUE(stranger.has_value());
    stranger->Send(nonsense);
    EXPECT_TRUE(stranger->AwaitClosed());
  }
  EXPECT_TRUE(listener.Accept().has_value()) << "and it comes again";
}

TEST_F(ClientTest, AnOwnerThatSaysNothingIsLeftInTime) {
  LoopbackListener listener;
  Announce(listener.port());
  handshake_deadline_ = absl::Milliseconds(100);
  StartClient();
  auto silent = listener.Accept();
  ASSERT_TRUE(silent.has_value());
  EXPECT_TRUE(silent->AwaitClosed());
  EXPECT_TRUE(AwaitLine("owner: timed out after 100ms waiting for its admission"));
  EXPECT_TRUE(listener.Accept().has_value()) << "and it comes again";
}

TEST_F(ClientTest, AnOwnerThatDoesNotReadIsLeftAndNeverWaitedFor) {
  LoopbackListener listener;
  Announce(listener.port());
  phase_bytes_ = 60'000;
  StartClient(absl::Microseconds(1));
  auto socket = listener.Accept();
  ASSERT_TRUE(socket.has_value());
  const PlayedOwner owner(*std::move(socket), token_);
  EXPECT_TRUE(listener.Accept().has_value()) << "it connects again";
  EXPECT_TRUE(AwaitLine("owner: send buffer full (owner is not reading)"));
  ExpectQuickEnd();
}

TEST_F(ClientTest, EndsAtOnceWhileThereIsNoOwner) {
  StartClient(absl::Hours(1));
  ExpectQuickEnd();
  StartClient(absl::Hours(1));
  EXPECT_TRUE(AwaitLine("control.json"));
  ExpectQuickEnd();
}

TEST_F(ClientTest, EndsAtOnceWhileItWaitsForItsAdmission) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient(absl::Hours(1));
  const auto silent = listener.Accept();
  ASSERT_TRUE(silent.has_value());
  ExpectQuickEnd();
  StartClient(absl::Hours(1));
  auto half = listener.Accept();
  ASSERT_TRUE(half.has_value());
  const AdmissionRules rules;
  half->Send(ServerProtocol(&rules, RandomBytes(kNonceBytes)).Challenge());
  ASSERT_TRUE(half->ReceiveFrame().has_value());
  ExpectQuickEnd();
}

TEST_F(ClientTest, EndsAtOnceAtAnyMoment) {
  StartOwner();
  for (int round = 0; round < 100; ++round) {
    StartClient(absl::Milliseconds(1));
    if (round % 2 == 0) client_->SendNow();
    if (round % 3 == 0) std::this_thread::yield();
    ExpectQuickEnd();
  }
  const size_t hellos = owner_->received().hellos.size();
  StartClient();
  EXPECT_TRUE(owner_->Await([&](const auto& received) { return received.hellos.size() > hellos; }));
  ExpectQuickEnd();
  EXPECT_TRUE(owner_->Await([](const auto& received) { return received.closed.size() == received.hellos.size(); }));
}

// The main thread's handlers and waits must see them.
TEST_F(ClientTest, TakesNoSignals) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient();
  ASSERT_TRUE(listener.Accept().has_value()) << "the background thread runs, and is the only other one";
  sigset_t usr1;
  ::sigemptyset(&usr1);
  ::sigaddset(&usr1, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
  ::kill(::getpid(), SIGUSR1);
  const timespec patience{.tv_sec = 20, .tv_nsec = 0};
  EXPECT_EQ(::sigtimedwait(&usr1, nullptr, &patience), SIGUSR1);
  ::pthread_sigmask(SIG_UNBLOCK, &usr1, nullptr);
}

// The child is forked while the test has one thread, and finds the owner by itself.
TEST_F(ClientTest, AKilledWorkerIsMissedAtOnce) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    StartClient(absl::Milliseconds(200));
    for (;;) ::pause();
  }
  StartOwner();
  EXPECT_TRUE(AwaitHeartbeats(1));
  const absl::Time start = absl::Now();
  ::kill(child, SIGKILL);
  EXPECT_TRUE(owner_->Await([](const auto& received) { return received.closed.size() == 1; }));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_TRUE(owner_->received().leavings.empty());
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace deit::control
