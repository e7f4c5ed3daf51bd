#include "common/plan/lane_tree.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

namespace deit::plan {
namespace {

void CheckLanes(int lanes) {
  DEIT_CHECK(lanes >= 1 && std::has_single_bit(static_cast<unsigned>(lanes)), "lanes=", lanes, " is not a power of two");
}

bool AreSiblings(const Subtree& left, const Subtree& right) {
  return left.level == right.level && left.index % 2 == 0 && right.index == left.index + 1;
}

Subtree ParentOf(const Subtree& node) { return {node.level + 1, node.index / 2}; }

}  // namespace

std::vector<Subtree> MaximalSubtrees(LaneRun run, int lanes) {
  CheckLanes(lanes);
  DEIT_CHECK(run.begin >= 0 && run.begin <= run.end && run.end <= lanes, "run=", run.begin, ":", run.end, " lanes=", lanes);
  std::vector<Subtree> subtrees;
  for (int lane = run.begin; lane < run.end;) {
    int level = 0;
    while (lane % (2 << level) == 0 && lane + (2 << level) <= run.end) ++level;
    subtrees.push_back({level, lane >> level});
    lane += 1 << level;
  }
  return subtrees;
}

// A binary counter: sums wait on a stack, whose depth is the slot, until their right sibling is complete. A right-hand lane is added to its
// sibling directly and never takes a slot of its own.
AccumulationPlan PlanAccumulation(LaneRun run, int lanes) {
  CheckLanes(lanes);
  DEIT_CHECK(run.begin >= 0 && run.begin <= run.end && run.end <= lanes, "run=", run.begin, ":", run.end, " lanes=", lanes);
  AccumulationPlan plan{};
  std::vector<Subtree> stack;
  for (int lane = run.begin; lane < run.end; ++lane) {
    LaneStep step{};
    const Subtree leaf{0, lane};
    step.add = !stack.empty() && AreSiblings(stack.back(), leaf);
    if (step.add) {
      stack.back() = ParentOf(leaf);
    } else {
      stack.push_back(leaf);
    }
    plan.slots = std::max(plan.slots, static_cast<int>(stack.size()));
    step.slot = static_cast<int>(stack.size()) - 1;
    while (stack.size() >= 2 && AreSiblings(stack[stack.size() - 2], stack.back())) {
      const int top = static_cast<int>(stack.size()) - 1;
      step.merges.push_back({top - 1, top});
      stack.pop_back();
      stack.back() = ParentOf(stack.back());
    }
    plan.lanes.push_back(std::move(step));
  }
  for (size_t slot = 0; slot < stack.size(); ++slot) plan.sums.push_back({stack[slot], static_cast<int>(slot)});
  return plan;
}

namespace {

// Emits the adds of a forest of expressions over the inputs. Registers for temporaries are as few as Sethi and Ullman's order
// ("The generation of optimal code for arithmetic expressions", 1970) needs: the child that needs more is computed first.
class Combiner {
 public:
  Combiner(const std::vector<Subtree>& inputs, int lanes) : lanes_(lanes), program_{} {
    program_.inputs = program_.registers = static_cast<int>(inputs.size());
    for (const Subtree& input : inputs) {
      DEIT_CHECK(input.level >= 0 && input.index >= 0 && input.lanes().end <= lanes, "level=", input.level, " index=", input.index);
      nodes_.push_back({.subtree = input});
    }
  }

  TreeProgram Run() && {
    std::vector<int> roots = BuildForest();
    for (size_t i = 1; i < roots.size(); ++i) {
      DEIT_CHECK(NodeAt(roots[i - 1]).subtree.lanes().end <= NodeAt(roots[i]).subtree.lanes().begin, "subtrees overlap");
    }
    std::vector<int> by_need = roots;  // each root holds a register from then on, so the most demanding goes first
    std::stable_sort(by_need.begin(), by_need.end(), [this](int a, int b) { return NodeAt(a).need > NodeAt(b).need; });
    std::map<int, int> registers;
    for (int root : by_need) registers[root] = Emit(root);
    for (int root : roots) program_.outputs.push_back({NodeAt(root).subtree, registers[root]});
    return std::move(program_);
  }

 private:
  struct Node {
    Subtree subtree;
    int left = -1, right = -1;  // node numbers; nodes 0 .. inputs - 1 are the inputs and have no children
    int need = 0;               // temporaries
  };

  const Node& NodeAt(int node) const { return nodes_[static_cast<size_t>(node)]; }

  // Joins siblings level by level; returns the nodes that found none, in lane order.
  std::vector<int> BuildForest() {
    std::map<int, int> node_at_lane;  // first lane -> node
    for (int input = 0; input < program_.inputs; ++input) {
      DEIT_CHECK(node_at_lane.emplace(NodeAt(input).subtree.lanes().begin, input).second, "subtrees overlap");
    }
    for (int level = 0; 1 << level < lanes_; ++level) {
      for (int lane = 0; lane < lanes_; lane += 2 << level) {
        const auto left = node_at_lane.find(lane);
        const auto right = node_at_lane.find(lane + (1 << level));
        if (left == node_at_lane.end() || right == node_at_lane.end()) continue;
        const Node a = NodeAt(left->second), b = NodeAt(right->second);
        if (a.subtree.level != level || b.subtree.level != level) continue;
        const int need = a.need == b.need ? a.need + 1 : std::max(a.need, b.need);
        nodes_.push_back({ParentOf(a.subtree), left->second, right->second, need});
        left->second = static_cast<int>(nodes_.size()) - 1;
        node_at_lane.erase(right);
      }
    }
    std::vector<int> roots;
    for (const auto& [lane, node] : node_at_lane) roots.push_back(node);
    return roots;
  }

  // Returns the register that holds the node's sum.
  int Emit(int node) {
    const Node& here = NodeAt(node);
    if (here.left < 0) return node;
    int left, right;
    if (NodeAt(here.left).need >= NodeAt(here.right).need) {
      left = Emit(here.left);
      right = Emit(here.right);
    } else {
      right = Emit(here.right);
      left = Emit(here.left);
    }
    Release(left);
    Release(right);
    const int dst = Allocate();
    program_.adds.push_back({dst, left, right});
    return dst;
  }

  int Allocate() {
    if (free_.empty()) return program_.registers++;
    const int reg = free_.back();
    free_.pop_back();
    return reg;
  }

  void Release(int reg) {
    if (reg >= program_.inputs) free_.push_back(reg);
  }

  int lanes_;
  TreeProgram program_;
  std::vector<Node> nodes_;
  std::vector<int> free_;  // temporaries
};

}  // namespace

TreeProgram CombineSubtrees(const std::vector<Subtree>& inputs, int lanes) {
  CheckLanes(lanes);
  return Combiner(inputs, lanes).Run();
}

}  // namespace deit::plan
