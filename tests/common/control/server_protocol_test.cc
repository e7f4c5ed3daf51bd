#include "common/control/server_protocol.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "common/control/client_protocol.h"
#include "common/control/handshake.h"

namespace deit::control {
namespace {

const std::string kToken(32, 't');
const std::string kOwnerNonce(kNonceBytes, 'o'), kWorkerNonce(kNonceBytes, 'w');

v1::Hello GoodHello() {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_launch(3);
  hello.set_role(v1::Role::STUDENT);
  hello.set_rank(1);
  hello.set_worker(1);
  hello.set_workers(2);
  return hello;
}

v1::WorkerMessage Step(int64_t step) {
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_step(step);
  return message;
}

v1::OwnerMessage Stop() {
  v1::OwnerMessage message;
  message.mutable_stop();
  return message;
}

const AdmissionRules kRules = {.job = "0badf00d", .token = kToken, .launches = {{3, {.role = v1::Role::STUDENT, .workers = 2}}}};

ServerProtocol Owner(const std::string& nonce = kOwnerNonce) { return ServerProtocol(&kRules, nonce); }
ClientProtocol Worker(const v1::Hello& hello = GoodHello(), const std::string& token = kToken) { return {hello, token, kWorkerNonce}; }

// The ClientAuth that a good worker sends to Owner().
v1::ClientAuth GoodAuth() {
  const std::string frame = Worker().Receive(Owner().Challenge()).value().reply;
  v1::ClientAuth auth;
  EXPECT_TRUE(auth.ParseFromString(frame.substr(4)));
  return auth;
}

std::string Framed(const google::protobuf::Message& message) { return EncodeFrame(message.SerializeAsString()); }

std::optional<RejectionCause> CauseOf(const ServerProtocol::ReceiveResult& result) {
  return result.rejection ? std::optional(result.rejection->cause) : std::nullopt;
}

// Why a new owner rejects these first bytes of a worker.
std::optional<RejectionCause> RejectedFor(const std::string& bytes) {
  ServerProtocol owner = Owner();
  const auto result = owner.Receive(bytes);
  EXPECT_EQ(result.hello.has_value(), owner.authenticated());
  EXPECT_TRUE(!result.rejection || !result.hello);
  return CauseOf(result);
}

std::optional<RejectionCause> RejectedFor(const v1::Hello& hello, const std::string& token = kToken) {
  return RejectedFor(Worker(hello, token).Receive(Owner().Challenge()).value().reply);
}

// An owner and a worker that know each other.
class ServerProtocolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto result = owner_.Receive(worker_.Receive(owner_.Challenge()).value().reply);
    ASSERT_TRUE(result.hello.has_value());
    ASSERT_EQ(worker_.Receive(result.reply).value().reply, "");
    ASSERT_TRUE(worker_.authenticated());
  }
  ServerProtocol owner_ = Owner();
  ClientProtocol worker_ = Worker();
};

TEST_F(ServerProtocolTest, ReceivesTheMessagesOfAWorker) {
  std::string frames = worker_.Encode(Step(5));
  frames += worker_.Encode(Step(6));
  const auto first = owner_.Receive(frames);
  ASSERT_EQ(first.messages.size(), 2u);
  EXPECT_EQ(first.messages[1].heartbeat().step(), 6);
  v1::WorkerMessage leaving;
  leaving.mutable_leaving();
  const auto last = owner_.Receive(worker_.Encode(leaving));
  ASSERT_EQ(last.messages.size(), 1u);
  EXPECT_TRUE(last.messages[0].has_leaving());
  EXPECT_FALSE(last.rejection.has_value());
  EXPECT_EQ(last.reply, "");
}

TEST_F(ServerProtocolTest, SendsMessagesToAWorker) {
  std::string frames = owner_.Encode(Stop());
  frames += owner_.Encode(Stop());
  const auto received = worker_.Receive(frames);
  ASSERT_TRUE(received.ok()) << received.status();
  ASSERT_EQ(received->messages.size(), 2u);
  EXPECT_TRUE(received->messages[1].has_stop());
  EXPECT_EQ(received->reply, "");
}

TEST_F(ServerProtocolTest, AReplayedFrameIsRejectedAndWhatCameBeforeItCounts) {
  const std::string frame = worker_.Encode(Step(5));
  const auto result = owner_.Receive(frame + frame);
  EXPECT_EQ(result.messages.size(), 1u);
  EXPECT_EQ(CauseOf(result), RejectionCause::kReplayed);
  EXPECT_EQ(owner_.RejectionFrame(*result.rejection), "") << "the worker waits for no answer any more";
}

TEST_F(ServerProtocolTest, ASealedFrameOfAnotherConnectionIsRejected) {
  ServerProtocol owner = Owner(std::string(kNonceBytes, 'p'));
  ClientProtocol worker = Worker();
  ASSERT_TRUE(owner.Receive(worker.Receive(owner.Challenge()).value().reply).hello.has_value());
  EXPECT_EQ(CauseOf(owner.Receive(worker_.Encode(Step(5)))), RejectionCause::kWrongMac);
}

TEST_F(ServerProtocolTest, ASealAroundNothingIsRejected) {
  EXPECT_EQ(CauseOf(owner_.Receive(worker_.Encode(v1::WorkerMessage()))), RejectionCause::kMalformed);
}

TEST_F(ServerProtocolTest, AnOverLongFrameIsRejectedAtAnyTime) {
  EXPECT_EQ(CauseOf(owner_.Receive("\xff\xff\xff\xff")), RejectionCause::kTooLong);
  EXPECT_EQ(RejectedFor("\xff\xff\xff\xff"), RejectionCause::kTooLong);
}

TEST_F(ServerProtocolTest, AnyChangedByteIsRejected) {
  const std::string frame = worker_.Encode(Step(5));
  for (size_t i = 4; i < frame.size(); ++i) {  // after the length
    ServerProtocol owner = owner_;
    std::string changed = frame;
    changed[i] = static_cast<char>(changed[i] ^ 0x41);
    const auto result = owner.Receive(changed);
    EXPECT_TRUE(result.rejection.has_value()) << i;
    EXPECT_TRUE(result.messages.empty()) << i;
  }
}

TEST_F(ServerProtocolTest, BytesMayComeOneByOne) {
  ServerProtocol owner = Owner();
  ClientProtocol worker = Worker();
  std::string reply;
  const std::string auth = worker.Receive(owner.Challenge()).value().reply;
  for (const char byte : auth) reply += owner.Receive(std::string(1, byte)).reply;
  for (const char byte : reply) ASSERT_TRUE(worker.Receive(std::string(1, byte)).ok());
  ASSERT_TRUE(worker.authenticated());
  size_t messages = 0;
  const std::string frame = worker.Encode(Step(1));
  for (const char byte : frame) messages += owner.Receive(std::string(1, byte)).messages.size();
  EXPECT_EQ(messages, 1u);
}

TEST(ServerProtocolHandshakeTest, AWorkerWithTheTokenIsAdmitted) {
  ServerProtocol owner = Owner();
  const auto result = owner.Receive(Framed(GoodAuth()));
  ASSERT_TRUE(result.hello.has_value());
  EXPECT_EQ(result.hello->worker(), 1);
  EXPECT_TRUE(owner.authenticated());
}

TEST(ServerProtocolHandshakeTest, AWrongOneIsRejectedByItsCause) {
  EXPECT_EQ(RejectedFor(GoodHello(), std::string(32, 'u')), RejectionCause::kWrongToken);
  EXPECT_EQ(RejectedFor(GoodHello(), ""), RejectionCause::kWrongToken);
  v1::Hello hello = GoodHello();
  hello.set_job("0badf00e");
  EXPECT_EQ(RejectedFor(hello), RejectionCause::kOtherJob);
  hello = GoodHello();
  hello.set_launch(2);
  EXPECT_EQ(RejectedFor(hello), RejectionCause::kOtherLaunch);
  for (const int worker : {-1, 2}) {
    hello = GoodHello();
    hello.set_worker(worker);
    EXPECT_EQ(RejectedFor(hello), RejectionCause::kMalformed) << worker;
  }
  hello = GoodHello();
  hello.set_role(v1::Role::TEACHER);
  EXPECT_EQ(RejectedFor(hello), RejectionCause::kOtherRole);
  hello = GoodHello();
  hello.set_workers(3);
  EXPECT_EQ(RejectedFor(hello), RejectionCause::kOtherWorkerCount);
  v1::ClientAuth auth = GoodAuth();
  auth.set_version(kProtocolVersion + 1);
  EXPECT_EQ(RejectedFor(Framed(auth)), RejectionCause::kOtherVersion);
  auth = GoodAuth();
  auth.clear_proof();
  EXPECT_EQ(RejectedFor(Framed(auth)), RejectionCause::kNoToken);
  auth = GoodAuth();
  auth.set_nonce("short");
  EXPECT_EQ(RejectedFor(Framed(auth)), RejectionCause::kMalformed);
  auth = GoodAuth();
  auth.set_hello("\xff\xff\xff");
  EXPECT_EQ(RejectedFor(Framed(auth)), RejectionCause::kWrongToken) << "nothing of a stranger is read";
  auth.set_proof(WorkerProof(kToken, {.owner_nonce = kOwnerNonce, .worker_nonce = kWorkerNonce, .hello = auth.hello()}));
  EXPECT_EQ(RejectedFor(Framed(auth)), RejectionCause::kMalformed);
}

// A launch may be admitted while a worker of it is already connected.
TEST(ServerProtocolHandshakeTest, TheRulesAreReadWhenTheWorkerIntroducesItself) {
  AdmissionRules rules = kRules;
  rules.launches.clear();
  ServerProtocol early(&rules, kOwnerNonce), late(&rules, kOwnerNonce);
  const std::string auth = Framed(GoodAuth());
  EXPECT_EQ(CauseOf(early.Receive(auth)), RejectionCause::kOtherLaunch);
  rules.launches = kRules.launches;
  EXPECT_TRUE(late.Receive(auth).hello.has_value());
}

TEST(ServerProtocolHandshakeTest, ADifferenceIsNamedWithBothValues) {
  v1::Hello hello = GoodHello();
  hello.set_workers(5);
  ServerProtocol owner = Owner();
  ClientProtocol worker = Worker(hello);
  const auto result = owner.Receive(worker.Receive(owner.Challenge()).value().reply);
  EXPECT_EQ(worker.Receive(owner.RejectionFrame(result.rejection.value())).status().message(),
            "owner: rejects this worker: another number of workers: this worker counts 5, launch 3 has 2");
}

TEST(ServerProtocolHandshakeTest, AWorkerOfVersionOneIsToldBothVersions) {
  v1::ClientAuth auth;
  auth.set_version(1);
  ServerProtocol owner = Owner();
  const auto result = owner.Receive(Framed(auth));
  EXPECT_EQ(CauseOf(result), RejectionCause::kOtherVersion);
  v1::ServerAuth reply;
  ASSERT_TRUE(reply.ParseFromString(owner.RejectionFrame(*result.rejection).substr(4)));
  EXPECT_EQ(reply.rejection(), "another version: the owner speaks protocol 2, the worker 1: both must be of one release of deit");
}

TEST(ServerProtocolHandshakeTest, TheWorkerIsToldTheCause) {
  ServerProtocol owner = Owner();
  ClientProtocol worker = Worker(GoodHello(), std::string(32, 'u'));
  const auto result = owner.Receive(worker.Receive(owner.Challenge()).value().reply);
  const auto answer = worker.Receive(owner.RejectionFrame(result.rejection.value()));
  EXPECT_TRUE(absl::IsPermissionDenied(answer.status()));
  EXPECT_EQ(answer.status().message(), "owner: rejects this worker: wrong token");
}

TEST(ServerProtocolHandshakeTest, ARecordedOneIsOfNoUse) {
  ServerProtocol owner = Owner(std::string(kNonceBytes, 'p'));
  EXPECT_EQ(CauseOf(owner.Receive(Framed(GoodAuth()))), RejectionCause::kWrongToken);
}

// What the owner sends proves nothing about the token when it is sent back.
TEST(ServerProtocolHandshakeTest, ItsOwnProofSentBackIsRejected) {
  v1::ClientAuth auth = GoodAuth();
  v1::ServerAuth server_auth;
  ServerProtocol owner = Owner();
  ASSERT_TRUE(server_auth.ParseFromString(owner.Receive(Framed(auth)).reply.substr(4)));
  auth.set_proof(server_auth.proof());
  EXPECT_EQ(RejectedFor(Framed(auth)), RejectionCause::kWrongToken);
}

TEST(ServerProtocolHandshakeTest, RandomBytesNeverGetIn) {
  std::mt19937 random(1);
  const std::string good = GoodAuth().SerializeAsString();
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = round % 2 == 0 ? std::string(random() % 200, '\0') : good;
    if (round % 2 == 0) {
      for (char& byte : bytes) byte = static_cast<char>(random());
    } else {
      char& byte = bytes[random() % bytes.size()];
      byte = static_cast<char>(byte + static_cast<char>(1 + random() % 255));
    }
    EXPECT_TRUE(RejectedFor(EncodeFrame(bytes)).has_value()) << round;
    RejectedFor(bytes);  // as a stream without frames
  }
  for (size_t size = 0; size < good.size(); ++size) EXPECT_TRUE(RejectedFor(EncodeFrame(good.substr(0, size))).has_value()) << size;
}

}  // namespace
}  // namespace deit::control
