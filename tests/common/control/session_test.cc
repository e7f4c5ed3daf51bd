#include "common/control/session.h"

#include <gtest/gtest.h>

#include <random>

#include "proto/control.pb.h"

namespace deit::control {
namespace {

using Opened = std::variant<std::string, RejectionCause>;

TEST(SessionTest, BothDirectionsCarryMessagesInOrder) {
  Session owner("key", Side::kOwner), worker("key", Side::kWorker);
  for (const std::string body : {"", "a", "bb"}) {
    EXPECT_EQ(owner.Open(worker.Seal(body)), Opened(body));
    EXPECT_EQ(worker.Open(owner.Seal(body)), Opened(body));
  }
}

TEST(SessionTest, AReplayIsRejected) {
  Session owner("key", Side::kOwner), worker("key", Side::kWorker);
  const std::string first = worker.Seal("first"), second = worker.Seal("second");
  EXPECT_EQ(owner.Open(first), Opened("first"));
  EXPECT_EQ(owner.Open(first), Opened(RejectionCause::kReplayed));
  EXPECT_EQ(owner.Open(second), Opened("second"));
  EXPECT_EQ(owner.Open(first), Opened(RejectionCause::kReplayed));
}

TEST(SessionTest, AMessageLeftOutIsNoticed) {
  Session owner("key", Side::kOwner), worker("key", Side::kWorker);
  worker.Seal("lost");
  EXPECT_EQ(owner.Open(worker.Seal("next")), Opened(RejectionCause::kSkipped));
}

TEST(SessionTest, AMessageSentBackToItsSenderIsRejected) {
  Session worker("key", Side::kWorker);
  const std::string own = worker.Seal("mine");
  EXPECT_EQ(worker.Open(own), Opened(RejectionCause::kWrongMac));
}

TEST(SessionTest, AnotherSessionsMessageIsRejected) {
  Session owner("key", Side::kOwner), worker("another key", Side::kWorker);
  EXPECT_EQ(owner.Open(worker.Seal("message")), Opened(RejectionCause::kWrongMac));
}

TEST(SessionTest, EveryChangeIsRejected) {
  v1::AuthenticatedFrame frame;
  ASSERT_TRUE(frame.ParseFromString(Session("key", Side::kWorker).Seal("message")));
  const auto open = [](const v1::AuthenticatedFrame& message) { return Session("key", Side::kOwner).Open(message.SerializeAsString()); };
  EXPECT_EQ(open(frame), Opened("message"));
  v1::AuthenticatedFrame changed = frame;
  changed.set_counter(1);
  EXPECT_EQ(open(changed), Opened(RejectionCause::kWrongMac));
  changed = frame;
  changed.set_body("messagE");
  EXPECT_EQ(open(changed), Opened(RejectionCause::kWrongMac));
  changed = frame;
  changed.clear_mac();
  EXPECT_EQ(open(changed), Opened(RejectionCause::kWrongMac));
  for (size_t i = 0; i < frame.mac().size(); ++i) {
    changed = frame;
    (*changed.mutable_mac())[i] ^= 1;
    EXPECT_EQ(open(changed), Opened(RejectionCause::kWrongMac)) << i;
  }
}

TEST(SessionTest, RandomAndTruncatedBytesAreRefused) {
  const std::string good = Session("key", Side::kWorker).Seal("message");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<RejectionCause>(Session("key", Side::kOwner).Open(good.substr(0, size)))) << size;
  }
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 100, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_TRUE(std::holds_alternative<RejectionCause>(Session("key", Side::kOwner).Open(bytes)));
  }
}

}  // namespace
}  // namespace deit::control
