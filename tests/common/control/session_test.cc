#include "common/control/session.h"

#include <gtest/gtest.h>

#include <random>

#include "proto/control.pb.h"

namespace deit::control {
namespace {

using Opened = std::variant<std::string, Refusal>;

TEST(SessionTest, BothDirectionsCarryMessagesInOrder) {
  Session owner("key", Side::kOwner), worker("key", Side::kWorker);
  for (const std::string body : {"", "a", "bb"}) {
    EXPECT_EQ(owner.Open(worker.Seal(body)), Opened(body));
    EXPECT_EQ(worker.Open(owner.Seal(body)), Opened(body));
  }
}

TEST(SessionTest, AReplayIsRefused) {
  Session owner("key", Side::kOwner), worker("key", Side::kWorker);
  const std::string first = worker.Seal("first"), second = worker.Seal("second");
  EXPECT_EQ(owner.Open(first), Opened("first"));
  EXPECT_EQ(owner.Open(first), Opened(Refusal::kReplayed));
  EXPECT_EQ(owner.Open(second), Opened("second"));
  EXPECT_EQ(owner.Open(first), Opened(Refusal::kReplayed));
}

TEST(SessionTest, AMessageLeftOutIsNoticed) {
  Session owner("key", Side::kOwner), worker("key", Side::kWorker);
  worker.Seal("lost");
  EXPECT_EQ(owner.Open(worker.Seal("next")), Opened(Refusal::kSkipped));
}

TEST(SessionTest, AMessageSentBackToItsSenderIsRefused) {
  Session worker("key", Side::kWorker);
  const std::string own = worker.Seal("mine");
  EXPECT_EQ(worker.Open(own), Opened(Refusal::kWrongSeal));
}

TEST(SessionTest, AnotherSessionsMessageIsRefused) {
  Session owner("key", Side::kOwner), worker("another key", Side::kWorker);
  EXPECT_EQ(owner.Open(worker.Seal("message")), Opened(Refusal::kWrongSeal));
}

TEST(SessionTest, EveryChangeIsRefused) {
  v1::Sealed sealed;
  ASSERT_TRUE(sealed.ParseFromString(Session("key", Side::kWorker).Seal("message")));
  const auto open = [](const v1::Sealed& message) { return Session("key", Side::kOwner).Open(message.SerializeAsString()); };
  EXPECT_EQ(open(sealed), Opened("message"));
  v1::Sealed changed = sealed;
  changed.set_counter(1);
  EXPECT_EQ(open(changed), Opened(Refusal::kWrongSeal));
  changed = sealed;
  changed.set_body("messagE");
  EXPECT_EQ(open(changed), Opened(Refusal::kWrongSeal));
  changed = sealed;
  changed.clear_seal();
  EXPECT_EQ(open(changed), Opened(Refusal::kWrongSeal));
  for (size_t i = 0; i < sealed.seal().size(); ++i) {
    changed = sealed;
    (*changed.mutable_seal())[i] ^= 1;
    EXPECT_EQ(open(changed), Opened(Refusal::kWrongSeal)) << i;
  }
}

TEST(SessionTest, RandomAndTruncatedBytesAreRefused) {
  const std::string good = Session("key", Side::kWorker).Seal("message");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<Refusal>(Session("key", Side::kOwner).Open(good.substr(0, size)))) << size;
  }
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 100, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_TRUE(std::holds_alternative<Refusal>(Session("key", Side::kOwner).Open(bytes)));
  }
}

}  // namespace
}  // namespace deit::control
