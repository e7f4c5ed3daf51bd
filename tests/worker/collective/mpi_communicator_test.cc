// The cases of every backend on processes. Run under mpirun, or alone as a world of one.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/rank_harness.h"
#include "tests/worker/collective/communicator_cases.h"

namespace deit::testing {
namespace {

class MpiCommunicatorTest : public ::testing::TestWithParam<CommunicatorCase> {};

TEST_P(MpiCommunicatorTest, Passes) { GetParam().body(LaunchWorld()); }

INSTANTIATE_TEST_SUITE_P(Cases, MpiCommunicatorTest, ::testing::ValuesIn(CommunicatorCases()),
                         [](const auto& instance) { return instance.param.name; });

// Two groups side by side do not disturb each other.
TEST(MpiCommunicatorSubgroupTest, PassesEveryCaseToo) {
  collective::Communicator& world = LaunchWorld();
  std::vector<int> members;
  for (int rank = world.rank() % 2; rank < world.size(); rank += 2) members.push_back(rank);
  const auto group = world.Subgroup(members, "half");
  ASSERT_TRUE(group.ok()) << group.status();
  for (const CommunicatorCase& test : CommunicatorCases()) test.body(**group);
}

}  // namespace
}  // namespace deit::testing

int main(int argc, char** argv) { deit::testing::RunAllTestsOnWorkers(argc, argv); }
