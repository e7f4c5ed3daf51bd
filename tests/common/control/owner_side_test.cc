#include "common/control/owner_side.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "common/control/handshake.h"
#include "common/control/worker_side.h"

namespace deit::control {
namespace {

const std::string kToken(32, 't');
const std::string kOwnerNonce(kNonceBytes, 'o'), kWorkerNonce(kNonceBytes, 'w');

v1::Hello GoodHello() {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_attempt(3);
  hello.set_role("student");
  hello.set_worker(1);
  hello.set_workers(2);
  return hello;
}

v1::WorkerMessage Step(int64_t step) {
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_step(step);
  return message;
}

OwnerSide Owner(const std::string& nonce = kOwnerNonce) { return OwnerSide({.job = "0badf00d", .attempt = 3, .token = kToken}, nonce); }
WorkerSide Worker(const v1::Hello& hello = GoodHello(), const std::string& token = kToken) { return {hello, token, kWorkerNonce}; }

// The introduction that a good worker sends to Owner().
v1::Introduction GoodIntroduction() {
  const std::string frame = Worker().Receive(Owner().Challenge()).value();
  v1::Introduction introduction;
  EXPECT_TRUE(introduction.ParseFromString(frame.substr(4)));
  return introduction;
}

std::string Framed(const google::protobuf::Message& message) { return EncodeFrame(message.SerializeAsString()); }

// What a fresh owner makes of these first bytes of a worker.
std::optional<Refusal> Refused(const std::string& bytes) {
  OwnerSide owner = Owner();
  const auto heard = owner.Receive(bytes);
  EXPECT_EQ(heard.hello.has_value(), owner.introduced());
  EXPECT_TRUE(!heard.refusal || !heard.hello);
  return heard.refusal;
}

std::optional<Refusal> Refused(const v1::Hello& hello, const std::string& token = kToken) {
  return Refused(Worker(hello, token).Receive(Owner().Challenge()).value());
}

// An owner and a worker that know each other.
class OwnerSideTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto heard = owner_.Receive(worker_.Receive(owner_.Challenge()).value());
    ASSERT_TRUE(heard.hello.has_value());
    ASSERT_EQ(worker_.Receive(heard.reply).value(), "");
    ASSERT_TRUE(worker_.welcome());
  }
  OwnerSide owner_ = Owner();
  WorkerSide worker_ = Worker();
};

TEST_F(OwnerSideTest, HearsWhatAWorkerTells) {
  std::string frames = worker_.Tell(Step(5));
  frames += worker_.Tell(Step(6));
  const auto first = owner_.Receive(frames);
  ASSERT_EQ(first.messages.size(), 2u);
  EXPECT_EQ(first.messages[1].heartbeat().step(), 6);
  v1::WorkerMessage leaving;
  leaving.set_leaving(true);
  const auto last = owner_.Receive(worker_.Tell(leaving));
  ASSERT_EQ(last.messages.size(), 1u);
  EXPECT_TRUE(last.messages[0].leaving());
  EXPECT_FALSE(last.refusal.has_value());
  EXPECT_EQ(last.reply, "");
}

TEST_F(OwnerSideTest, AReplayedFrameIsRefusedAndWhatCameBeforeItCounts) {
  const std::string frame = worker_.Tell(Step(5));
  const auto heard = owner_.Receive(frame + frame);
  EXPECT_EQ(heard.messages.size(), 1u);
  EXPECT_EQ(heard.refusal, Refusal::kReplayed);
  EXPECT_EQ(owner_.Farewell(*heard.refusal), "") << "the worker waits for no answer any more";
}

TEST_F(OwnerSideTest, ASealedFrameOfAnotherConnectionIsRefused) {
  OwnerSide owner = Owner(std::string(kNonceBytes, 'p'));
  WorkerSide worker = Worker();
  ASSERT_TRUE(owner.Receive(worker.Receive(owner.Challenge()).value()).hello.has_value());
  EXPECT_EQ(owner.Receive(worker_.Tell(Step(5))).refusal, Refusal::kWrongSeal);
}

TEST_F(OwnerSideTest, ASealAroundNothingIsRefused) {
  EXPECT_EQ(owner_.Receive(worker_.Tell(v1::WorkerMessage())).refusal, Refusal::kUnreadable);
}

TEST_F(OwnerSideTest, AnOverLongFrameIsRefusedAtAnyTime) {
  EXPECT_EQ(owner_.Receive("\xff\xff\xff\xff").refusal, Refusal::kTooLong);
  EXPECT_EQ(Refused("\xff\xff\xff\xff"), Refusal::kTooLong);
}

TEST_F(OwnerSideTest, AnyChangedByteIsRefused) {
  const std::string frame = worker_.Tell(Step(5));
  for (size_t i = 4; i < frame.size(); ++i) {  // after the length
    OwnerSide owner = owner_;
    std::string changed = frame;
    changed[i] = static_cast<char>(changed[i] ^ 0x41);
    const auto heard = owner.Receive(changed);
    EXPECT_TRUE(heard.refusal.has_value()) << i;
    EXPECT_TRUE(heard.messages.empty()) << i;
  }
}

TEST_F(OwnerSideTest, BytesMayComeOneByOne) {
  OwnerSide owner = Owner();
  WorkerSide worker = Worker();
  std::string reply;
  const std::string introduction = worker.Receive(owner.Challenge()).value();
  for (const char byte : introduction) reply += owner.Receive(std::string(1, byte)).reply;
  for (const char byte : reply) ASSERT_TRUE(worker.Receive(std::string(1, byte)).ok());
  ASSERT_TRUE(worker.welcome());
  size_t messages = 0;
  const std::string frame = worker.Tell(Step(1));
  for (const char byte : frame) messages += owner.Receive(std::string(1, byte)).messages.size();
  EXPECT_EQ(messages, 1u);
}

TEST(OwnerSideIntroductionTest, TheRightOneIsLetIn) {
  OwnerSide owner = Owner();
  const auto heard = owner.Receive(Framed(GoodIntroduction()));
  ASSERT_TRUE(heard.hello.has_value());
  EXPECT_EQ(heard.hello->worker(), 1);
  EXPECT_TRUE(owner.introduced());
}

TEST(OwnerSideIntroductionTest, AWrongOneIsRefusedByItsCause) {
  EXPECT_EQ(Refused(GoodHello(), std::string(32, 'u')), Refusal::kWrongToken);
  EXPECT_EQ(Refused(GoodHello(), ""), Refusal::kWrongToken);
  v1::Hello hello = GoodHello();
  hello.set_job("0badf00e");
  EXPECT_EQ(Refused(hello), Refusal::kOtherJob);
  hello = GoodHello();
  hello.set_attempt(2);
  EXPECT_EQ(Refused(hello), Refusal::kOtherAttempt);
  for (const int worker : {-1, 2}) {
    hello = GoodHello();
    hello.set_worker(worker);
    EXPECT_EQ(Refused(hello), Refusal::kUnreadable) << worker;
  }
  v1::Introduction introduction = GoodIntroduction();
  introduction.set_version(kProtocolVersion + 1);
  EXPECT_EQ(Refused(Framed(introduction)), Refusal::kOtherVersion);
  introduction = GoodIntroduction();
  introduction.clear_proof();
  EXPECT_EQ(Refused(Framed(introduction)), Refusal::kNoToken);
  introduction = GoodIntroduction();
  introduction.set_nonce("short");
  EXPECT_EQ(Refused(Framed(introduction)), Refusal::kUnreadable);
  introduction = GoodIntroduction();
  introduction.set_hello("\xff\xff\xff");
  EXPECT_EQ(Refused(Framed(introduction)), Refusal::kWrongToken) << "nothing of a stranger is read";
  introduction.set_proof(WorkerProof(kToken, {.owner_nonce = kOwnerNonce, .worker_nonce = kWorkerNonce, .hello = introduction.hello()}));
  EXPECT_EQ(Refused(Framed(introduction)), Refusal::kUnreadable);
}

TEST(OwnerSideIntroductionTest, NobodyIsOfAttemptZero) {
  v1::Hello hello = GoodHello();
  hello.set_attempt(0);
  OwnerSide owner({.job = "0badf00d", .attempt = 0, .token = kToken}, kOwnerNonce);
  EXPECT_EQ(owner.Receive(Worker(hello).Receive(owner.Challenge()).value()).refusal, Refusal::kOtherAttempt);
}

TEST(OwnerSideIntroductionTest, TheWorkerIsToldWhy) {
  OwnerSide owner = Owner();
  WorkerSide worker = Worker(GoodHello(), std::string(32, 'u'));
  const auto heard = owner.Receive(worker.Receive(owner.Challenge()).value());
  const auto answer = worker.Receive(owner.Farewell(heard.refusal.value()));
  EXPECT_TRUE(absl::IsPermissionDenied(answer.status()));
  EXPECT_EQ(answer.status().message(), "owner: refuses this worker: wrong token");
}

TEST(OwnerSideIntroductionTest, ARecordedOneIsOfNoUse) {
  OwnerSide owner = Owner(std::string(kNonceBytes, 'p'));
  EXPECT_EQ(owner.Receive(Framed(GoodIntroduction())).refusal, Refusal::kWrongToken);
}

// What the owner sends proves nothing about the token when it is sent back.
TEST(OwnerSideIntroductionTest, ItsOwnProofSentBackIsRefused) {
  v1::Introduction introduction = GoodIntroduction();
  v1::Welcome welcome;
  OwnerSide owner = Owner();
  ASSERT_TRUE(welcome.ParseFromString(owner.Receive(Framed(introduction)).reply.substr(4)));
  introduction.set_proof(welcome.proof());
  EXPECT_EQ(Refused(Framed(introduction)), Refusal::kWrongToken);
}

TEST(OwnerSideIntroductionTest, RandomBytesNeverGetIn) {
  std::mt19937 random(1);
  const std::string good = GoodIntroduction().SerializeAsString();
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = round % 2 == 0 ? std::string(random() % 200, '\0') : good;
    if (round % 2 == 0) {
      for (char& byte : bytes) byte = static_cast<char>(random());
    } else {
      char& byte = bytes[random() % bytes.size()];
      byte = static_cast<char>(byte + static_cast<char>(1 + random() % 255));
    }
    EXPECT_TRUE(Refused(EncodeFrame(bytes)).has_value()) << round;
    Refused(bytes);  // as a stream without frames
  }
  for (size_t size = 0; size < good.size(); ++size) EXPECT_TRUE(Refused(EncodeFrame(good.substr(0, size))).has_value()) << size;
}

}  // namespace
}  // namespace deit::control
