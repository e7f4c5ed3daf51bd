#include "common/control/heartbeat_client.h"

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
#include <fstream>
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
#include "common/control/owner_side.h"
#include "common/control/token_file.h"
#include "tests/support/control_owner.h"
#include "tests/support/loopback_socket.h"
#include "tests/support/temp_folder.h"

namespace deit::control {
namespace {

using deit::testing::ControlOwner;
using deit::testing::LoopbackListener;
using deit::testing::LoopbackSocket;

class HeartbeatClientTest : public ::testing::Test {
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

  HeartbeatOptions Options(absl::Duration interval) {
    v1::Hello hello;
    hello.set_job("0badf00d");
    hello.set_attempt(1);
    hello.set_workers(1);
    return {.control_path = control_path_,
            .token_path = token_path_,
            .hello = hello,
            .sample = [this] { return Sample(); },
            .interval = interval,
            .welcome_deadline = welcome_deadline_};
  }
  v1::Heartbeat Sample() {
    v1::Heartbeat heartbeat;
    heartbeat.set_step(step_);
    heartbeat.set_phase(std::string(phase_bytes_, 'x'));
    ++samples_;
    return heartbeat;
  }
  void StartClient(absl::Duration interval = absl::Milliseconds(10)) { client_ = HeartbeatClient::Start(Options(interval)); }

  // At most what its user is promised, and room for a busy machine.
  void ExpectQuickEnd() {
    const absl::Time start = absl::Now();
    client_.reset();
    EXPECT_LT(absl::Now() - start, absl::Seconds(2));
    const int64_t samples = samples_;
    EXPECT_EQ(samples, samples_) << "nobody is left to ask";
  }

  void StartOwner() {
    owner_.emplace(ControlServerOptions{.job = "0badf00d", .token = token_});
    Announce(owner_->port());
  }
  void Announce(uint16_t port) { ASSERT_TRUE(WriteControlAddress(files::FileSystem::Posix(), control_path_, port).ok()); }

  bool AwaitHeartbeats(size_t count) {
    return owner_->Await([count](const auto& said) { return said.heartbeats.size() >= count; });
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
  bool AwaitLine(const std::string& part) const {
    const absl::Time deadline = absl::Now() + ControlOwner::kTimeout;
    while (absl::Now() < deadline) {
      if (LinesWith(part) > 0) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return false;
  }

  deit::testing::TempFolder folder_;
  const std::string control_path_ = folder_ / "control.json";
  const std::string token_path_ = folder_ / "token";
  const std::string log_path_ = folder_ / "log";
  std::string token_;
  int log_ = -1;
  std::atomic<int64_t> step_{0}, samples_{0};
  std::atomic<size_t> phase_bytes_{4};
  absl::Duration welcome_deadline_ = absl::Seconds(60);
  std::optional<ControlOwner> owner_;
  std::unique_ptr<HeartbeatClient> client_;
};

TEST_F(HeartbeatClientTest, TellsWhereTheWorkerIsAndThatItLeaves) {
  StartOwner();
  step_ = 7;
  StartClient();
  ASSERT_TRUE(AwaitHeartbeats(3));
  step_ = 8;
  ASSERT_TRUE(owner_->Await([](const auto& said) { return said.heartbeats.back().second.step() == 8; }));
  ExpectQuickEnd();
  ASSERT_TRUE(owner_->Await([](const auto& said) { return said.closed.size() == 1; }));
  const auto said = owner_->said();
  ASSERT_EQ(said.hellos.size(), 1u);
  EXPECT_EQ(said.hellos[0].second.job(), "0badf00d");
  EXPECT_EQ(said.heartbeats[0].second.step(), 7);
  EXPECT_EQ(said.leavings.size(), 1u);
  EXPECT_TRUE(LogLines().empty()) << "all went as it should";
}

TEST_F(HeartbeatClientTest, ANudgeIsSentAtOnce) {
  StartOwner();
  StartClient(absl::Hours(1));
  ASSERT_TRUE(AwaitHeartbeats(1));
  for (size_t count = 2; count < 10; ++count) {
    client_->Nudge();
    EXPECT_TRUE(AwaitHeartbeats(count));
  }
  ExpectQuickEnd();
  EXPECT_TRUE(owner_->Await([](const auto& said) { return said.leavings.size() == 1; }));
}

TEST_F(HeartbeatClientTest, ARestartedOwnerIsFoundOnAnotherPort) {
  StartOwner();
  StartClient();
  ASSERT_TRUE(AwaitHeartbeats(1));
  const LoopbackListener occupied;  // so that the next one has another port, whatever the kernel gives
  const uint16_t first_port = owner_->port();
  owner_.reset();
  EXPECT_TRUE(AwaitLine("training goes on without an owner"));
  StartOwner();
  EXPECT_NE(owner_->port(), first_port);
  ASSERT_TRUE(AwaitHeartbeats(1));
  EXPECT_TRUE(AwaitLine("owner: found"));
  EXPECT_EQ(LogLines().size(), 2u) << "one line for each change";
}

TEST_F(HeartbeatClientTest, WhateverIsMissingIsLookedForAgain) {
  std::filesystem::remove(token_path_);
  StartClient();
  EXPECT_TRUE(AwaitLine("control.json"));
  std::ofstream(control_path_) << "{ nonsense";
  client_->Nudge();
  StartOwner();
  client_->Nudge();
  token_ = CreateToken(token_path_).value();
  StartOwner();
  EXPECT_TRUE(AwaitHeartbeats(1));
  EXPECT_TRUE(AwaitLine("owner: found"));
  EXPECT_EQ(LogLines().size(), 2u);
}

TEST_F(HeartbeatClientTest, ARefusalIsSaidOnceAndTriedAgain) {
  const std::string right = token_;
  token_ = std::string(kTokenBytes, 'x');
  StartOwner();
  StartClient();
  EXPECT_TRUE(owner_->AwaitRefused("wrong token", 20));
  EXPECT_EQ(LinesWith("owner: refuses this worker: wrong token"), 1);
  token_ = right;
  StartOwner();
  EXPECT_TRUE(AwaitHeartbeats(1));
  EXPECT_TRUE(AwaitLine("owner: found"));
  EXPECT_EQ(LogLines().size(), 2u);
}

TEST_F(HeartbeatClientTest, ATokenThatOthersMayReadIsNotUsed) {
  ASSERT_EQ(::chmod(token_path_.c_str(), 0644), 0);
  StartOwner();
  StartClient();
  EXPECT_TRUE(AwaitLine("others may know this secret"));
  ASSERT_EQ(::chmod(token_path_.c_str(), 0600), 0);
  EXPECT_TRUE(AwaitHeartbeats(1));
}

TEST_F(HeartbeatClientTest, AnOwnerOfAnotherVersionIsNamed) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient();
  auto socket = listener.Accept();
  ASSERT_TRUE(socket.has_value());
  v1::Challenge challenge;
  challenge.set_version(kProtocolVersion + 1);
  socket->Send(EncodeFrame(challenge.SerializeAsString()));
  v1::Introduction introduction;
  ASSERT_TRUE(introduction.ParseFromString(socket->ReceiveFrame().value_or("\xff")));
  EXPECT_EQ(introduction.version(), kProtocolVersion);
  v1::Welcome welcome;
  welcome.set_refusal("another version");
  socket->Send(EncodeFrame(welcome.SerializeAsString()));
  EXPECT_TRUE(AwaitLine("owner: refuses this worker: another version"));
}

// An owner that is played by the test, as far as the welcome.
LoopbackSocket Welcome(LoopbackSocket socket, const std::string& token) {
  OwnerSide side({.job = "0badf00d", .attempt = 1, .token = token}, RandomBytes(kNonceBytes));
  socket.Send(side.Challenge());
  socket.Send(side.Receive(EncodeFrame(socket.ReceiveFrame().value_or(""))).reply);
  EXPECT_TRUE(side.introduced());
  return socket;
}

TEST_F(HeartbeatClientTest, AnOwnerThatTalksNonsenseIsLeft) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient();
  for (const std::string& nonsense : {EncodeFrame("nonsense"), std::string("\xff\xff\xff\xff")}) {
    auto socket = listener.Accept();
    ASSERT_TRUE(socket.has_value());
    LoopbackSocket welcomed = Welcome(*std::move(socket), token_);
    welcomed.Send(nonsense);
    EXPECT_TRUE(welcomed.AwaitClosed());
    auto stranger = listener.Accept();
    ASSERT_TRUE(stranger.has_value());
    stranger->Send(nonsense);
    EXPECT_TRUE(stranger->AwaitClosed());
  }
  EXPECT_TRUE(listener.Accept().has_value()) << "and it comes again";
}

TEST_F(HeartbeatClientTest, AnOwnerThatSaysNothingIsLeftInTime) {
  LoopbackListener listener;
  Announce(listener.port());
  welcome_deadline_ = absl::Milliseconds(100);
  StartClient();
  auto silent = listener.Accept();
  ASSERT_TRUE(silent.has_value());
  EXPECT_TRUE(silent->AwaitClosed());
  EXPECT_TRUE(AwaitLine("owner: no welcome within 100ms"));
  EXPECT_TRUE(listener.Accept().has_value()) << "and it comes again";
}

TEST_F(HeartbeatClientTest, AnOwnerThatDoesNotReadIsLeftAndNeverWaitedFor) {
  LoopbackListener listener;
  Announce(listener.port());
  phase_bytes_ = 60'000;
  StartClient(absl::Microseconds(1));
  auto socket = listener.Accept();
  ASSERT_TRUE(socket.has_value());
  const LoopbackSocket welcomed = Welcome(*std::move(socket), token_);
  EXPECT_TRUE(listener.Accept().has_value()) << "it comes anew";
  ExpectQuickEnd();
}

TEST_F(HeartbeatClientTest, EndsAtOnceWhileThereIsNoOwner) {
  StartClient(absl::Hours(1));
  ExpectQuickEnd();
  StartClient(absl::Hours(1));
  EXPECT_TRUE(AwaitLine("control.json"));
  ExpectQuickEnd();
}

TEST_F(HeartbeatClientTest, EndsAtOnceWhileItWaitsForAWelcome) {
  LoopbackListener listener;
  Announce(listener.port());
  StartClient(absl::Hours(1));
  const auto silent = listener.Accept();
  ASSERT_TRUE(silent.has_value());
  ExpectQuickEnd();
  StartClient(absl::Hours(1));
  auto half = listener.Accept();
  ASSERT_TRUE(half.has_value());
  half->Send(OwnerSide({}, RandomBytes(kNonceBytes)).Challenge());
  ASSERT_TRUE(half->ReceiveFrame().has_value());
  ExpectQuickEnd();
}

TEST_F(HeartbeatClientTest, EndsAtOnceAtAnyMoment) {
  StartOwner();
  for (int round = 0; round < 100; ++round) {
    StartClient(absl::Milliseconds(1));
    if (round % 2 == 0) client_->Nudge();
    if (round % 3 == 0) std::this_thread::yield();
    ExpectQuickEnd();
  }
  const size_t hellos = owner_->said().hellos.size();
  StartClient();
  EXPECT_TRUE(owner_->Await([&](const auto& said) { return said.hellos.size() > hellos; }));
  ExpectQuickEnd();
  EXPECT_TRUE(owner_->Await([](const auto& said) { return said.closed.size() == said.hellos.size(); }));
}

// The main thread's handlers and waits must see them.
TEST_F(HeartbeatClientTest, TakesNoSignals) {
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
TEST_F(HeartbeatClientTest, AKilledWorkerIsMissedAtOnce) {
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
  EXPECT_TRUE(owner_->Await([](const auto& said) { return said.closed.size() == 1; }));
  EXPECT_LT(absl::Now() - start, absl::Seconds(1));
  EXPECT_TRUE(owner_->said().leavings.empty());
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace deit::control
