#include "common/control/client_protocol.h"

#include <gtest/gtest.h>

#include <random>

#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/server_protocol.h"

namespace deit::control {
namespace {

const std::string kToken(32, 't');
const std::string kOwnerNonce(kNonceBytes, 'o'), kWorkerNonce(kNonceBytes, 'w');

ClientProtocol Worker() {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_launch(1);
  hello.set_role(v1::Role::STUDENT);
  hello.set_workers(1);
  return {hello, kToken, kWorkerNonce};
}

const AdmissionRules kRules = {.job = "0badf00d", .token = kToken, .launches = {{1, {.role = v1::Role::STUDENT, .workers = 1}}}};

ServerProtocol Owner() { return ServerProtocol(&kRules, kOwnerNonce); }

v1::OwnerMessage Stop() {
  v1::OwnerMessage message;
  message.mutable_stop();
  return message;
}

std::string Framed(const google::protobuf::Message& message) { return EncodeFrame(message.SerializeAsString()); }

std::string ChallengeOf(uint32_t version, const std::string& nonce) {
  v1::Challenge challenge;
  challenge.set_version(version);
  challenge.set_nonce(nonce);
  return Framed(challenge);
}

std::string RejectionOf(const std::string& cause) {
  v1::ServerAuth server_auth;
  server_auth.set_rejection(cause);
  return Framed(server_auth);
}

TEST(ClientProtocolTest, SendsNothingUnasked) {
  ClientProtocol worker = Worker();
  EXPECT_EQ(worker.Receive("").value().reply, "");
  EXPECT_FALSE(worker.authenticated());
}

TEST(ClientProtocolTest, AnOwnerThatDoesNotKnowTheTokenIsNotBelieved) {
  for (const size_t size : {size_t{0}, kHmacBytes}) {
    ClientProtocol worker = Worker();
    ASSERT_TRUE(worker.Receive(Owner().Challenge()).ok());
    v1::ServerAuth server_auth;
    server_auth.set_proof(std::string(size, 'x'));
    const auto reply = worker.Receive(Framed(server_auth));
    EXPECT_TRUE(absl::IsPermissionDenied(reply.status())) << reply.status();
    EXPECT_FALSE(worker.authenticated());
  }
}

TEST(ClientProtocolTest, ItsOwnProofSentBackIsNotBelieved) {
  ClientProtocol worker = Worker();
  v1::ClientAuth auth;
  ASSERT_TRUE(auth.ParseFromString(worker.Receive(Owner().Challenge()).value().reply.substr(4)));
  v1::ServerAuth server_auth;
  server_auth.set_proof(auth.proof());
  EXPECT_TRUE(absl::IsPermissionDenied(worker.Receive(Framed(server_auth)).status()));
}

TEST(ClientProtocolTest, TheTokenIsNotSent) {
  EXPECT_EQ(Worker().Receive(Owner().Challenge()).value().reply.find(kToken), std::string::npos);
}

// Both sides of every pair of versions name the versions: the newer owner rejects by the one field that never moves.
TEST(ClientProtocolTest, AnotherVersionIsToldThisOneAndNothingElse) {
  ClientProtocol worker = Worker();
  const auto reply = worker.Receive(ChallengeOf(kProtocolVersion + 1, "of any length"));
  ASSERT_TRUE(reply.ok());
  v1::ClientAuth auth;
  ASSERT_TRUE(auth.ParseFromString(reply->reply.substr(4)));
  EXPECT_EQ(auth.version(), kProtocolVersion);
  EXPECT_EQ(auth.proof(), "");
  EXPECT_EQ(auth.hello(), "");
  EXPECT_EQ(worker.Receive(RejectionOf("another version")).status().message(),
            "owner: rejects this worker: another version: the owner speaks protocol 3, the worker 2: both must be of one release of deit");

  ClientProtocol another = Worker();
  ASSERT_TRUE(another.Receive(ChallengeOf(kProtocolVersion + 1, kOwnerNonce)).ok());
  v1::ServerAuth server_auth;
  server_auth.set_proof(OwnerProof(kToken, {.owner_nonce = kOwnerNonce, .worker_nonce = kWorkerNonce, .hello = ""}));
  EXPECT_FALSE(another.Receive(Framed(server_auth)).ok());
}

TEST(ClientProtocolTest, ARejectionIsReportedShortAndPrintable) {
  ClientProtocol worker = Worker();
  ASSERT_TRUE(worker.Receive(Owner().Challenge()).ok());
  const Status status = worker.Receive(RejectionOf("evil\n\033[2J" + std::string(10'000, 'x'))).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_LT(status.message().size(), 500u);
  EXPECT_EQ(status.message().find_first_of("\n\033"), absl::string_view::npos);
}

// An owner and a worker that know each other.
class AuthenticatedClientProtocolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto result = owner_.Receive(worker_.Receive(owner_.Challenge()).value().reply);
    ASSERT_TRUE(worker_.Receive(result.reply).ok());
    ASSERT_TRUE(worker_.authenticated());
  }
  ServerProtocol owner_ = Owner();
  ClientProtocol worker_ = Worker();
};

TEST_F(AuthenticatedClientProtocolTest, ReceivesMessagesHoweverTheBytesCome) {
  std::string frames = owner_.Encode(Stop());
  frames += owner_.Encode(Stop());
  size_t messages = 0;
  for (const char byte : frames) {
    const auto result = worker_.Receive(std::string(1, byte));
    ASSERT_TRUE(result.ok()) << result.status();
    for (const v1::OwnerMessage& message : result->messages) messages += message.has_stop() ? 1U : 0U;
  }
  EXPECT_EQ(messages, 2u);
}

TEST_F(AuthenticatedClientProtocolTest, AReplayedOrSkippedFrameIsAnError) {
  const std::string frame = owner_.Encode(Stop());
  ClientProtocol another = worker_;
  EXPECT_EQ(another.Receive(frame + frame).status(), absl::DataLossError("owner: replayed frame"));
  EXPECT_EQ(worker_.Receive(owner_.Encode(Stop())).status(), absl::DataLossError("owner: skipped frame"));
}

TEST_F(AuthenticatedClientProtocolTest, ItsOwnFrameSentBackIsAnError) {
  v1::WorkerMessage message;
  message.mutable_leaving();
  EXPECT_EQ(worker_.Receive(worker_.Encode(message)).status(), absl::DataLossError("owner: wrong MAC"));
}

TEST_F(AuthenticatedClientProtocolTest, AnyChangedByteIsAnError) {
  const std::string frame = owner_.Encode(Stop());
  for (size_t i = 4; i < frame.size(); ++i) {  // after the length
    ClientProtocol worker = worker_;
    std::string changed = frame;
    changed[i] = static_cast<char>(changed[i] ^ 0x41);
    EXPECT_TRUE(absl::IsDataLoss(worker.Receive(changed).status())) << i;
  }
}

TEST_F(AuthenticatedClientProtocolTest, AnEmptyMessageIsAnError) {
  EXPECT_EQ(worker_.Receive(owner_.Encode(v1::OwnerMessage())).status(), absl::DataLossError("owner: malformed message"));
}

TEST_F(AuthenticatedClientProtocolTest, AMessageOfTheHandshakeIsAnError) {
  EXPECT_TRUE(absl::IsDataLoss(worker_.Receive(owner_.Challenge()).status()));
}

TEST(ClientProtocolTest, AnOverLongFrameIsAnError) {
  ClientProtocol worker = Worker();
  EXPECT_TRUE(absl::IsDataLoss(worker.Receive("\xff\xff\xff\xff").status()));
}

TEST(ClientProtocolTest, RandomBytesNeverAuthenticateAnOwner) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    ClientProtocol worker = Worker();
    if (round % 2 == 0) worker.Receive(Owner().Challenge()).IgnoreError();
    std::string bytes(random() % 100, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    worker.Receive(round % 3 == 0 ? bytes : EncodeFrame(bytes)).IgnoreError();
    EXPECT_FALSE(worker.authenticated());
  }
}

}  // namespace
}  // namespace deit::control
