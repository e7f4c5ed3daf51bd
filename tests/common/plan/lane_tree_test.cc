#include "common/plan/lane_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <random>

namespace deit::plan {
namespace {

const std::vector<int> kLanes{1, 2, 4, 8, 16};

// Values whose sum depends on its order in nearly every case.
std::vector<float> LaneValues(int lanes, std::mt19937& random) {
  std::vector<float> values(static_cast<size_t>(lanes));
  std::uniform_real_distribution<float> mantissa(-1.0F, 1.0F);
  std::uniform_int_distribution<int> exponent(-4, 4);
  for (float& value : values) value = std::ldexp(mantissa(random), exponent(random));
  return values;
}

struct HeldSum {
  Subtree subtree;
  float value;
};

// What a worker does: reads its lanes in order, each once, and nothing but its slots.
std::vector<HeldSum> Accumulate(LaneRun run, int lanes, const std::vector<float>& values) {
  const AccumulationPlan plan = PlanAccumulation(run, lanes);
  EXPECT_EQ(static_cast<int>(plan.lanes.size()), run.size());
  std::vector<std::optional<float>> slots(static_cast<size_t>(plan.slots));
  for (int k = 0; k < run.size(); ++k) {
    const LaneStep& step = plan.lanes[static_cast<size_t>(k)];
    const float value = values[static_cast<size_t>(run.begin + k)];
    std::optional<float>& slot = slots[static_cast<size_t>(step.slot)];
    EXPECT_EQ(step.add, slot.has_value());
    slot = step.add ? *slot + value : value;
    for (const LaneStep::Merge& merge : step.merges) {
      std::optional<float>& from = slots[static_cast<size_t>(merge.from)];
      *slots[static_cast<size_t>(merge.into)] += from.value();
      from.reset();
    }
  }
  std::vector<HeldSum> sums;
  for (const AccumulationPlan::Sum& sum : plan.sums) sums.push_back({sum.subtree, slots[static_cast<size_t>(sum.slot)].value()});
  return sums;
}

std::vector<HeldSum> Combine(const std::vector<HeldSum>& held, int lanes) {
  std::vector<Subtree> inputs;
  for (const HeldSum& sum : held) inputs.push_back(sum.subtree);
  const TreeProgram program = CombineSubtrees(inputs, lanes);
  EXPECT_EQ(program.inputs, static_cast<int>(inputs.size()));
  std::vector<float> registers(static_cast<size_t>(program.registers));
  for (size_t i = 0; i < held.size(); ++i) registers[i] = held[i].value;
  for (const TreeAdd& add : program.adds) {
    EXPECT_GE(add.dst, program.inputs);
    registers[static_cast<size_t>(add.dst)] = registers[static_cast<size_t>(add.a)] + registers[static_cast<size_t>(add.b)];
  }
  std::vector<HeldSum> sums;
  for (const auto& output : program.outputs) sums.push_back({output.subtree, registers[static_cast<size_t>(output.reg)]});
  return sums;
}

uint32_t Bits(float value) { return std::bit_cast<uint32_t>(value); }

void ExpectRoot(const std::vector<HeldSum>& sums, int lanes, const std::vector<float>& values) {
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(1 << sums[0].subtree.level, lanes);
  EXPECT_EQ(Bits(sums[0].value), Bits(ReferenceTreeSum<float>(values)));
}

TEST(LaneTreeTest, CutsARunIntoItsMaximalSubtrees) {
  EXPECT_EQ(MaximalSubtrees({0, 8}, 8), (std::vector<Subtree>{{3, 0}}));
  EXPECT_EQ(MaximalSubtrees({1, 7}, 8), (std::vector<Subtree>{{0, 1}, {1, 1}, {1, 2}, {0, 6}}));
  EXPECT_EQ(MaximalSubtrees({3, 6}, 8), (std::vector<Subtree>{{0, 3}, {1, 2}}));
  EXPECT_EQ(MaximalSubtrees({5, 5}, 8), std::vector<Subtree>{});
  EXPECT_EQ(MaximalSubtrees({0, 1}, 1), (std::vector<Subtree>{{0, 0}}));
}

TEST(LaneTreeTest, LeavesAtMostTwoSubtreesPerLevel) {
  for (int lanes : kLanes) {
    const int levels = static_cast<int>(std::bit_width(static_cast<unsigned>(lanes))) - 1;
    for (int begin = 0; begin < lanes; ++begin) {
      for (int end = begin + 1; end <= lanes; ++end) {
        int next = begin;
        const std::vector<Subtree> subtrees = MaximalSubtrees({begin, end}, lanes);
        for (const Subtree& subtree : subtrees) {
          ASSERT_EQ(subtree.lanes().begin, next);
          next = subtree.lanes().end;
        }
        ASSERT_EQ(next, end);
        ASSERT_LE(static_cast<int>(subtrees.size()), std::max(1, 2 * levels));
      }
    }
  }
}

TEST(LaneTreeTest, AccumulatesEveryRunToItsSubtreesSums) {
  std::mt19937 random(1);
  for (int lanes : kLanes) {
    const std::vector<float> values = LaneValues(lanes, random);
    for (int begin = 0; begin <= lanes; ++begin) {
      for (int end = begin; end <= lanes; ++end) {
        const std::vector<HeldSum> sums = Accumulate({begin, end}, lanes, values);
        const std::vector<Subtree> expected = MaximalSubtrees({begin, end}, lanes);
        ASSERT_EQ(sums.size(), expected.size());
        for (size_t i = 0; i < sums.size(); ++i) {
          ASSERT_EQ(sums[i].subtree, expected[i]);
          const LaneRun run = expected[i].lanes();
          const std::span<const float> part(values.data() + run.begin, static_cast<size_t>(run.size()));
          ASSERT_EQ(Bits(sums[i].value), Bits(ReferenceTreeSum(part)));
        }
      }
    }
  }
}

TEST(LaneTreeTest, AccumulatesAlignedRunsInOneSlotPerLevel) {
  EXPECT_EQ(PlanAccumulation({5, 6}, 8).slots, 1);
  EXPECT_EQ(PlanAccumulation({4, 6}, 8).slots, 1);
  EXPECT_EQ(PlanAccumulation({4, 8}, 8).slots, 2);
  EXPECT_EQ(PlanAccumulation({0, 8}, 8).slots, 3);
  EXPECT_EQ(PlanAccumulation({16, 32}, 32).slots, 4);
  EXPECT_EQ(PlanAccumulation({3, 6}, 8).slots, 2);
  EXPECT_EQ(PlanAccumulation({5, 5}, 8).slots, 0);
}

// Law 1 in small: whichever worker holds which lanes, and however workers are grouped into nodes, the sum has the same bits.
TEST(LaneTreeTest, GivesTheSameBitsForEveryWorldAndGroupingIntoNodes) {
  std::mt19937 random(2);
  for (int lanes : kLanes) {
    for (int workers = 1; workers <= lanes; ++workers) {
      for (int trial = 0; trial < 40; ++trial) {
        const std::vector<float> values = LaneValues(lanes, random);
        std::map<int, std::vector<HeldSum>> held_by_node;
        std::vector<HeldSum> held_by_all;
        const bool contiguous = trial % 2 == 0;
        const int nodes = std::uniform_int_distribution<int>(1, workers)(random);
        for (int worker = 0; worker < workers; ++worker) {
          const int node = contiguous ? worker * nodes / workers : std::uniform_int_distribution<int>(0, nodes - 1)(random);
          for (const HeldSum& sum : Accumulate(LanesOfWorker(worker, workers, lanes), lanes, values)) {
            held_by_node[node].push_back(sum);
            held_by_all.push_back(sum);
          }
        }
        std::vector<HeldSum> held_by_nodes;
        for (auto& [node, held] : held_by_node) {
          std::shuffle(held.begin(), held.end(), random);
          for (const HeldSum& sum : Combine(held, lanes)) held_by_nodes.push_back(sum);
        }
        std::shuffle(held_by_nodes.begin(), held_by_nodes.end(), random);
        ExpectRoot(Combine(held_by_all, lanes), lanes, values);
        ExpectRoot(Combine(held_by_nodes, lanes), lanes, values);
      }
    }
  }
}

// So that the case above can fail: another order of summation has other bits.
TEST(LaneTreeTest, SummingInAnotherOrderShows) {
  std::mt19937 random(3);
  int differ = 0;
  for (int trial = 0; trial < 100; ++trial) {
    const std::vector<float> values = LaneValues(8, random);
    float running = 0;
    for (float value : values) running += value;
    differ += Bits(running) != Bits(ReferenceTreeSum<float>(values));
  }
  EXPECT_GT(differ, 50);
}

TEST(LaneTreeTest, LeavesWhatHasNoSiblingAsItIs) {
  const TreeProgram program = CombineSubtrees({{0, 6}, {1, 0}, {0, 3}, {0, 2}}, 8);
  EXPECT_EQ(program.adds, (std::vector<TreeAdd>{{4, 3, 2}, {4, 1, 4}}));
  EXPECT_EQ(program.registers, 5);
  EXPECT_EQ(program.outputs, (std::vector<TreeProgram::Output>{{{2, 0}, 4}, {{0, 6}, 0}}));
  EXPECT_TRUE(CombineSubtrees({}, 8).outputs.empty());
}

// Peak of temporaries over all orders in which the program's sums can be computed, by dynamic programming over sets of done sums.
int FewestTemporaries(const std::vector<Subtree>& inputs, int lanes) {
  std::map<std::pair<int, int>, int> sums;  // (level, index) -> number; -1: an input
  for (const Subtree& input : inputs) sums[{input.level, input.index}] = -1;
  struct Children {
    int left, right;
  };
  std::vector<Children> children;
  for (int level = 0; 1 << level < lanes; ++level) {
    for (int index = 0; index < lanes >> level; index += 2) {
      const auto left = sums.find({level, index}), right = sums.find({level, index + 1});
      if (left == sums.end() || right == sums.end()) continue;
      children.push_back({left->second, right->second});
      sums[{level + 1, index / 2}] = static_cast<int>(children.size()) - 1;
    }
  }
  const auto is_done = [](unsigned done, int sum) { return sum < 0 || (done >> sum & 1) != 0; };
  const unsigned all = (1U << children.size()) - 1;
  constexpr int kUnreached = 1000;
  std::vector<int> peak(all + 1, kUnreached), live(all + 1, 0);
  peak[0] = 0;
  for (unsigned done = 0; done < all; ++done) {
    if (peak[done] == kUnreached) continue;
    for (size_t sum = 0; sum < children.size(); ++sum) {
      const auto [left, right] = children[sum];
      if ((done >> sum & 1) != 0 || !is_done(done, left) || !is_done(done, right)) continue;
      const unsigned next = done | 1U << sum;
      live[next] = live[done] + 1 - (left >= 0) - (right >= 0);
      peak[next] = std::min(peak[next], std::max(peak[done], live[next]));
    }
  }
  return peak[all];
}

TEST(LaneTreeTest, CombinesWithTheFewestTemporaries) {
  std::mt19937 random(4);
  for (int trial = 0; trial < 300; ++trial) {
    const int lanes = trial % 10 == 0 ? 16 : 8;
    std::vector<Subtree> inputs;
    for (int lane = 0; lane < lanes;) {
      const std::vector<Subtree> choices = MaximalSubtrees({lane, lanes}, lanes);
      const int level = std::uniform_int_distribution<int>(0, std::min(1, choices[0].level))(random);
      if (std::uniform_int_distribution<int>(0, 5)(random) > 0) inputs.push_back({level, lane >> level});
      lane += 1 << level;
    }
    std::shuffle(inputs.begin(), inputs.end(), random);
    const TreeProgram program = CombineSubtrees(inputs, lanes);
    EXPECT_EQ(program.registers - program.inputs, FewestTemporaries(inputs, lanes));
  }
}

TEST(LaneTreeDeathTest, RefusesOverlapsAndLanesThatAreNoPowerOfTwo) {
  EXPECT_DEATH(CombineSubtrees({{1, 0}, {0, 0}}, 8), "overlap");
  EXPECT_DEATH(CombineSubtrees({{2, 0}, {0, 3}}, 8), "overlap");
  EXPECT_DEATH(MaximalSubtrees({0, 3}, 6), "not a power of two");
  EXPECT_DEATH(PlanAccumulation({0, 9}, 8), "run=0:9");
}

}  // namespace
}  // namespace deit::plan
