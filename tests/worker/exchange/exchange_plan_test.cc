#include "worker/exchange/exchange_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "tests/worker/exchange/lane_sums.h"

namespace deit::exchange {
namespace {

using ::testing::ElementsAre;

TEST(TopologyTest, WorkersOfOneHostFormANode) {
  const Topology topology = MakeTopology({"a", "b", "a", "c", "b"}, std::vector<bool>(5, true));
  EXPECT_THAT(topology.members, ElementsAre(ElementsAre(0, 2), ElementsAre(1, 4), ElementsAre(3)));
  EXPECT_THAT(topology.node_of, ElementsAre(0, 1, 0, 2, 1));
  EXPECT_THAT(topology.index_of, ElementsAre(0, 0, 1, 0, 1));
}

TEST(TopologyTest, AHostWhereOneWorkerDoesNotShareFallsApart) {
  const Topology topology = MakeTopology({"a", "b", "a", "b"}, {true, true, false, true});
  EXPECT_THAT(topology.members, ElementsAre(ElementsAre(0), ElementsAre(1, 3), ElementsAre(2)));
}

struct Case {
  int lanes, workers;
  Topology topology;
};

// Random worlds: lanes 1 .. 64, hosts drawn at random.
std::vector<Case> RandomCases() {
  std::vector<Case> cases;
  std::minstd_rand random(7);
  for (int k = 0; k < 300; ++k) {
    const int lanes = 1 << random() % 7;
    const int workers = 1 + static_cast<int>(random() % static_cast<unsigned>(std::min(lanes, 16)));
    const int hosts = 1 + static_cast<int>(random() % static_cast<unsigned>(workers));
    std::vector<std::string> host_of;
    for (int w = 0; w < workers; ++w) host_of.push_back(absl::StrCat(random() % static_cast<unsigned>(hosts)));
    cases.push_back({lanes, workers, MakeTopology(host_of, std::vector<bool>(host_of.size(), true))});
  }
  return cases;
}

TEST(ExchangePlanTest, PartsOfABucketAreAdjacentAndCoverTheBuffer) {
  const plan::Grid grid = SampleGrid();
  for (const Case& c : RandomCases()) {
    const ExchangePlan plan(grid, c.lanes, LaneOrder::kTree, c.topology);
    std::vector<int64_t> owned(static_cast<size_t>(c.workers));
    std::vector<int> covered(static_cast<size_t>(grid.elements()));
    for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
      int64_t next = -1;
      for (int w = 0; w < c.workers; ++w) {
        const ElementRange part = plan.ShardOf(bucket, w);
        if (part.count == 0) continue;
        EXPECT_TRUE(next < 0 || part.begin == next);
        next = part.begin + part.count;
        owned[static_cast<size_t>(w)] += part.count;
        for (int64_t i = part.begin; i < next; ++i) ++covered[static_cast<size_t>(i)];
      }
    }
    EXPECT_TRUE(covered == std::vector<int>(covered.size(), 1));
    for (int w = 0; w < c.workers; ++w) EXPECT_EQ(plan.OwnedBy(w), owned[static_cast<size_t>(w)]);
  }
}

TEST(ExchangePlanTest, EveryOwnerGetsEachLaneOnce) {
  const plan::Grid grid = SampleGrid();
  for (const Case& c : RandomCases()) {
    const ExchangePlan plan(grid, c.lanes, LaneOrder::kTree, c.topology);
    for (int node = 0; node < c.topology.nodes(); ++node) {
      std::vector<int> lanes(static_cast<size_t>(c.lanes));
      const auto count = [&lanes](const plan::Subtree& subtree) {
        for (int lane = subtree.lanes().begin; lane < subtree.lanes().end; ++lane) ++lanes[static_cast<size_t>(lane)];
      };
      for (const SlotSum& sum : plan.NodeInputs(node)) count(sum.subtree);
      for (const NodeSum& sum : plan.RemoteInputs(node)) count(sum.subtree);
      EXPECT_THAT(lanes, ::testing::Each(1));
      const int log = std::countr_zero(static_cast<unsigned>(c.lanes));
      EXPECT_EQ(plan.RootProgram(node).outputs,
                (std::vector<plan::TreeProgram::Output>{{{log, 0}, plan.RootProgram(node).outputs[0].reg}}));
    }
  }
}

// Who reads and sends what, part by part, as the exchange does it.
TEST(ExchangePlanTest, BytesAreThoseOfEachPartsWay) {
  const plan::Grid grid = SampleGrid();
  for (const Case& c : RandomCases()) {
    const ExchangePlan plan(grid, c.lanes, LaneOrder::kTree, c.topology);
    std::vector<int64_t> gradients(static_cast<size_t>(c.workers)), weights(static_cast<size_t>(c.workers));
    for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
      for (int owner = 0; owner < c.workers; ++owner) {
        const int64_t bytes = plan.ShardOf(bucket, owner).count * 4;
        for (int node = 0; node < c.topology.nodes(); ++node) {
          const bool own = c.topology.node_of[static_cast<size_t>(owner)] == node;
          const int adder = own ? owner : plan.ProxyOf(owner, node);
          ASSERT_EQ(c.topology.node_of[static_cast<size_t>(adder)], node);
          for (const SlotSum& sum : plan.NodeInputs(node)) gradients[static_cast<size_t>(adder)] += sum.worker == adder ? 0 : bytes;
          if (!own) gradients[static_cast<size_t>(adder)] += bytes * static_cast<int64_t>(plan.NodeProgram(node).outputs.size());
          if (!own) weights[static_cast<size_t>(owner)] += bytes;
        }
      }
    }
    for (int w = 0; w < c.workers; ++w) {
      EXPECT_EQ(plan.GradientBytes(w), gradients[static_cast<size_t>(w)]);
      EXPECT_EQ(plan.WeightBytes(w), weights[static_cast<size_t>(w)]);
    }
  }
}

TEST(ExchangePlanTest, NodesWhoseLanesFormOneSubtreeSendARingsBytes) {
  const plan::Grid grid = SampleGrid();
  const int64_t buffer = grid.elements() * 4;
  for (int per_node : {1, 2, 4}) {
    std::vector<std::string> hosts;
    for (int w = 0; w < 8; ++w) hosts.push_back(absl::StrCat(w / per_node));
    const ExchangePlan plan(grid, 16, LaneOrder::kTree, MakeTopology(hosts, std::vector<bool>(8, true)));
    const int nodes = plan.topology().nodes();
    int64_t between = 0;
    for (int owner = 0; owner < 8; ++owner) {
      for (int node = 0; node < nodes; ++node) {
        ASSERT_EQ(plan.NodeProgram(node).outputs.size(), 1u);
        if (node != plan.topology().node_of[static_cast<size_t>(owner)]) between += plan.OwnedBy(owner) * 4;
      }
    }
    EXPECT_EQ(between, (nodes - 1) * buffer) << "each element leaves each node but its owner's once";
  }
  const ExchangePlan apart(grid, 8, LaneOrder::kTree, MakeTopology({"a", "b", "c", "d"}, std::vector<bool>(4, true)));
  int64_t all = 0;
  for (int w = 0; w < 4; ++w) all += apart.GradientBytes(w) + apart.WeightBytes(w);
  EXPECT_EQ(all, 4 * apart.RingBytes());
}

TEST(ExchangePlanTest, LanesOfOthersSumInAnyWorldInTheFewestPieces) {
  const plan::Grid grid = SampleGrid();
  for (const Case& c : RandomCases()) {
    const ExchangePlan plan(grid, c.lanes, LaneOrder::kTree, c.topology);
    const size_t most = std::max<size_t>(1, 2 * static_cast<size_t>(std::countr_zero(static_cast<unsigned>(c.lanes))));
    for (int w = 0; w < c.workers; ++w) {
      EXPECT_LE(plan.AccumulationOf(w).sums.size(), most);
      EXPECT_EQ(plan.AccumulationOf(w).sums[0].slot, 0);
    }
    for (int node = 0; node < c.topology.nodes(); ++node) EXPECT_LE(plan.NodeProgram(node).outputs.size(), plan.NodeInputs(node).size());
  }
}

}  // namespace
}  // namespace deit::exchange
