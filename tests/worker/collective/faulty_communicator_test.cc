#include "tests/support/faulty_communicator.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "tests/support/rank_harness.h"
#include "worker/collective/wait.h"

namespace deit::testing {
namespace {

using collective::Communicator;
using collective::ElementType;
using collective::Transfer;
using collective::WaitDescription;

constexpr absl::Duration kDelay = absl::Milliseconds(60);

std::vector<std::unique_ptr<Communicator>> FaultyPair(const Faults& faults) {
  std::vector<std::unique_ptr<Communicator>> members = collective::NewLocalGroup(2);
  for (std::unique_ptr<Communicator>& member : members) member = NewFaultyCommunicator(std::move(member), faults);
  return members;
}

Status Finish(Transfer& transfer, absl::Duration limit = absl::Seconds(10)) {
  return Wait(transfer, {limit}, [] { return WaitDescription{"nothing came", ""}; });
}

TEST(FaultyCommunicatorTest, ManyMessagesAreLateTogetherAndNotOneAfterAnother) {
  auto members = FaultyPair({.delay = kDelay, .unreachable = {}});
  std::vector<float> sent(8, 1.5F), received(8);
  std::vector<std::unique_ptr<Transfer>> sends, receives;
  const absl::Duration start = Clock::System().Elapsed();
  for (size_t i = 0; i < sent.size(); ++i) {
    receives.push_back(*members[1]->Receive({.data = &received[i], .count = 1, .type = ElementType::kFloat32}, 0, static_cast<int>(i)));
    sends.push_back(*members[0]->Send({.data = &sent[i], .count = 1, .type = ElementType::kFloat32}, 1, static_cast<int>(i)));
    EXPECT_TRUE(sends.back()->Test().value()) << "the sender waits for nothing";
    EXPECT_FALSE(receives.back()->Test().value());
  }
  for (const auto& receive : receives) ASSERT_TRUE(Finish(*receive).ok());
  const absl::Duration took = Clock::System().Elapsed() - start;
  EXPECT_GE(took, kDelay);
  EXPECT_LT(took, 4 * kDelay);
  EXPECT_EQ(received, sent);
}

TEST(FaultyCommunicatorTest, TheDelayCountsFromTheSendingAndNotFromTheFirstLook) {
  auto members = FaultyPair({.delay = kDelay, .unreachable = {}});
  float sent = 1, received = 0;
  const auto receive = *members[1]->Receive({.data = &received, .count = 1, .type = ElementType::kFloat32}, 0, 0);
  const auto send = *members[0]->Send({.data = &sent, .count = 1, .type = ElementType::kFloat32}, 1, 0);
  Clock::System().Sleep(kDelay);
  EXPECT_TRUE(receive->Test().value());
}

TEST(FaultyCommunicatorTest, CollectiveOperationsAreLateToo) {
  RunOnThreads(3, [](Communicator& world) {
    // A thread owns its member; the wrapper takes a subgroup of its own.
    const auto group = NewFaultyCommunicator(*world.Subgroup({0, 1, 2}, "faulty"), {.delay = kDelay, .unreachable = {}});
    const absl::Duration start = Clock::System().Elapsed();
    uint64_t value = 2;
    const auto reduce = group->AllReduce({.data = &value, .count = 1, .type = ElementType::kUint64});
    ASSERT_TRUE(reduce.ok());
    EXPECT_TRUE(Finish(**reduce).ok());
    EXPECT_EQ(value, 6U);
    EXPECT_GE(Clock::System().Elapsed() - start, kDelay);
    uint8_t here = 1;  // no thread leaves while others still look
    EXPECT_TRUE(Finish(**world.AllReduce({.data = &here, .count = 1})).ok());
  });
}

TEST(FaultyCommunicatorTest, WhatIsSentToAnUnreachableWorkerIsLost) {
  auto members = FaultyPair({.delay = absl::ZeroDuration(), .unreachable = {1}});
  float sent = 1, received = 0;
  const auto receive = *members[1]->Receive({.data = &received, .count = 1, .type = ElementType::kFloat32}, 0, 0);
  const auto send = *members[0]->Send({.data = &sent, .count = 1, .type = ElementType::kFloat32}, 1, 0);
  EXPECT_TRUE(send->Test().value());
  EXPECT_EQ(Finish(*receive, absl::Milliseconds(50)).code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace deit::testing
