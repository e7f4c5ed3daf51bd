#include "worker/collective/local_communicator.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tests/worker/collective/communicator_cases.h"
#include "worker/collective/wait.h"

namespace deit::testing {
namespace {

using collective::Communicator;
using collective::ElementType;
using collective::NewLocalGroup;
using collective::WaitDescription;

class LocalCommunicatorCaseTest : public ::testing::TestWithParam<std::tuple<int, CommunicatorCase>> {};

TEST_P(LocalCommunicatorCaseTest, Passes) { RunOnThreads(std::get<0>(GetParam()), std::get<1>(GetParam()).body); }

INSTANTIATE_TEST_SUITE_P(Cases, LocalCommunicatorCaseTest,
                         ::testing::Combine(::testing::Values(1, 2, 3, 5), ::testing::ValuesIn(CommunicatorCases())),
                         [](const auto& instance) {
                           return absl::StrCat(std::get<1>(instance.param).name, "On", std::get<0>(instance.param));
                         });

TEST(LocalCommunicatorTest, ASendFinishesOnlyWhenItIsReceived) {
  auto members = NewLocalGroup(2);
  uint64_t sent = 5, received = 0;
  auto send = members[0]->Send({.data = &sent, .count = 1, .type = ElementType::kUint64}, 1, 0);
  ASSERT_TRUE(send.ok());
  EXPECT_FALSE((*send)->Test().value());
  auto receive = members[1]->Receive({.data = &received, .count = 1, .type = ElementType::kUint64}, 0, 0);
  EXPECT_TRUE((*send)->Test().value());
  EXPECT_TRUE((*receive)->Test().value());
  EXPECT_EQ(received, 5U);
}

TEST(LocalCommunicatorTest, ASendThatIsGivenUpIsNeverReceived) {
  auto members = NewLocalGroup(2);
  uint64_t sent = 5, received = 0;
  { auto send = members[0]->Send({.data = &sent, .count = 1, .type = ElementType::kUint64}, 1, 0); }
  auto receive = members[1]->Receive({.data = &received, .count = 1, .type = ElementType::kUint64}, 0, 0);
  EXPECT_FALSE((*receive)->Test().value());
}

TEST(LocalCommunicatorTest, WhoWaitsForAMemberThatLeftIsTold) {
  auto members = NewLocalGroup(2);
  uint64_t value = 0;
  auto receive = members[0]->Receive({.data = &value, .count = 1, .type = ElementType::kUint64}, 1, 0);
  auto reduce = members[0]->AllReduce({.data = &value, .count = 1, .type = ElementType::kUint64});
  members[1].reset();
  EXPECT_EQ((*receive)->Test().status(), absl::UnavailableError("worker 1 has left"));
  EXPECT_EQ((*reduce)->Test().status(), absl::UnavailableError("worker 1 has left"));
}

TEST(LocalCommunicatorTest, MembersInDifferentOperationsAreTold) {
  auto members = NewLocalGroup(2);
  uint64_t first = 1, second = 2;
  auto reduce = members[0]->AllReduce({.data = &first, .count = 1, .type = ElementType::kUint64});
  auto gather = members[1]->AllReduce({.data = &second, .count = 1, .type = ElementType::kUint8});
  EXPECT_EQ((*reduce)->Test().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ((*gather)->Test().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(LocalCommunicatorTest, NoRoomIsAnAnswerForAllAlike) {
  RunOnThreads(3,
               [](Communicator& group) {
                 EXPECT_EQ(group.Share(30'000).status().code(), absl::StatusCode::kResourceExhausted);
                 EXPECT_TRUE(group.Share(10'000).ok());
               },
               {.hosts = {}, .shared_memory_room = 40'000});
}

TEST(LocalCommunicatorTest, SimulatedNodesShareMemoryOnlyWithin) {
  RunOnThreads(3,
               [](Communicator& group) {
                 EXPECT_EQ(group.hosts(), (std::vector<std::string>{"a", "a", "b"}));
                 EXPECT_EQ(group.Share(10).status().code(), absl::StatusCode::kInvalidArgument);
                 const std::vector<int> node = group.rank() < 2 ? std::vector<int>{0, 1} : std::vector<int>{2};
                 const auto own = group.Subgroup(node, "node");
                 ASSERT_TRUE(own.ok());
                 EXPECT_TRUE((*own)->Share(10).ok());
               },
               {.hosts = {"a", "a", "b"}});
}

}  // namespace
}  // namespace deit::testing
