#include "common/control/worker_side.h"

#include <gtest/gtest.h>

#include <random>

#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/owner_side.h"

namespace deit::control {
namespace {

const std::string kToken(32, 't');
const std::string kOwnerNonce(kNonceBytes, 'o'), kWorkerNonce(kNonceBytes, 'w');

WorkerSide Worker() {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_attempt(1);
  hello.set_workers(1);
  return {hello, kToken, kWorkerNonce};
}

OwnerSide Owner(const std::string& token = kToken) { return OwnerSide({.job = "0badf00d", .attempt = 1, .token = token}, kOwnerNonce); }

std::string Framed(const google::protobuf::Message& message) { return EncodeFrame(message.SerializeAsString()); }

std::string ChallengeOf(uint32_t version, const std::string& nonce) {
  v1::Challenge challenge;
  challenge.set_version(version);
  challenge.set_nonce(nonce);
  return Framed(challenge);
}

std::string RefusalOf(const std::string& cause) {
  v1::Welcome welcome;
  welcome.set_refusal(cause);
  return Framed(welcome);
}

TEST(WorkerSideTest, SaysNothingUnasked) {
  WorkerSide worker = Worker();
  EXPECT_EQ(worker.Receive("").value(), "");
  EXPECT_FALSE(worker.welcome());
}

TEST(WorkerSideTest, AnOwnerThatDoesNotKnowTheTokenIsNotBelieved) {
  for (const size_t size : {size_t{0}, kHmacBytes}) {
    WorkerSide worker = Worker();
    ASSERT_TRUE(worker.Receive(Owner().Challenge()).ok());
    v1::Welcome welcome;
    welcome.set_proof(std::string(size, 'x'));
    const auto reply = worker.Receive(Framed(welcome));
    EXPECT_TRUE(absl::IsPermissionDenied(reply.status())) << reply.status();
    EXPECT_FALSE(worker.welcome());
  }
}

TEST(WorkerSideTest, ItsOwnProofSentBackIsNotBelieved) {
  WorkerSide worker = Worker();
  v1::Introduction introduction;
  ASSERT_TRUE(introduction.ParseFromString(worker.Receive(Owner().Challenge()).value().substr(4)));
  v1::Welcome welcome;
  welcome.set_proof(introduction.proof());
  EXPECT_TRUE(absl::IsPermissionDenied(worker.Receive(Framed(welcome)).status()));
}

TEST(WorkerSideTest, TheTokenIsNotSent) { EXPECT_EQ(Worker().Receive(Owner().Challenge()).value().find(kToken), std::string::npos); }

// Both sides of every pair of versions can say what is wrong: the newer owner refuses by the one field that never moves.
TEST(WorkerSideTest, AnotherVersionIsToldThisOneAndNothingElse) {
  WorkerSide worker = Worker();
  const auto reply = worker.Receive(ChallengeOf(kProtocolVersion + 1, "of any length"));
  ASSERT_TRUE(reply.ok());
  v1::Introduction introduction;
  ASSERT_TRUE(introduction.ParseFromString(reply->substr(4)));
  EXPECT_EQ(introduction.version(), kProtocolVersion);
  EXPECT_EQ(introduction.proof(), "");
  EXPECT_EQ(introduction.hello(), "");
  EXPECT_EQ(worker.Receive(RefusalOf("another version")).status().message(), "owner: refuses this worker: another version");

  WorkerSide another = Worker();
  ASSERT_TRUE(another.Receive(ChallengeOf(kProtocolVersion + 1, kOwnerNonce)).ok());
  v1::Welcome welcome;
  welcome.set_proof(OwnerProof(kToken, {.owner_nonce = kOwnerNonce, .worker_nonce = kWorkerNonce, .hello = ""}));
  EXPECT_FALSE(another.Receive(Framed(welcome)).ok());
}

TEST(WorkerSideTest, ARefusalIsSaidShortAndPrintable) {
  WorkerSide worker = Worker();
  ASSERT_TRUE(worker.Receive(Owner().Challenge()).ok());
  const Status status = worker.Receive(RefusalOf("evil\n\033[2J" + std::string(10'000, 'x'))).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_LT(status.message().size(), 500u);
  EXPECT_EQ(status.message().find_first_of("\n\033"), absl::string_view::npos);
}

TEST(WorkerSideTest, AfterTheWelcomeAnOwnerSaysNothing) {
  WorkerSide worker = Worker();
  OwnerSide owner = Owner();
  ASSERT_TRUE(worker.Receive(owner.Receive(worker.Receive(owner.Challenge()).value()).reply).ok());
  ASSERT_TRUE(worker.welcome());
  EXPECT_TRUE(absl::IsDataLoss(worker.Receive(owner.Challenge()).status()));
}

TEST(WorkerSideTest, AnOverLongFrameIsAnError) {
  WorkerSide worker = Worker();
  EXPECT_TRUE(absl::IsDataLoss(worker.Receive("\xff\xff\xff\xff").status()));
}

TEST(WorkerSideTest, RandomBytesNeverMakeItWelcome) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    WorkerSide worker = Worker();
    if (round % 2 == 0) worker.Receive(Owner().Challenge()).IgnoreError();
    std::string bytes(random() % 100, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    worker.Receive(round % 3 == 0 ? bytes : EncodeFrame(bytes)).IgnoreError();
    EXPECT_FALSE(worker.welcome());
  }
}

}  // namespace
}  // namespace deit::control
