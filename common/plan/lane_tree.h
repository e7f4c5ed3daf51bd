// Summation order over lanes: a balanced binary tree, independent of which worker computes a node; always left (lower lanes) + right. Two
// planners turn it into straight programs: PlanAccumulation inside a worker, CombineSubtrees between workers (and nodes).
#pragma once

#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/plan/lanes.h"

namespace deit::plan {

// The tree's node that covers lanes [index << level, (index + 1) << level).
struct Subtree {
  int level;
  int index;
  LaneRun lanes() const { return {index << level, (index + 1) << level}; }
  bool operator==(const Subtree&) const = default;
};

// The fewest subtrees that make up the run, in lane order. `lanes` (of the job) is a power of two.
std::vector<Subtree> MaximalSubtrees(LaneRun run, int lanes);

// Lane k of a run: its gradient is stored into `slot`, or added to its content (add: its left sibling lane's), then
// the merges, slot[into] += slot[from], are applied in order.
struct LaneStep {
  int slot;
  bool add;
  struct Merge {
    int into, from;
    bool operator==(const Merge&) const = default;
  };
  std::vector<Merge> merges;
};

// What a worker does with its lanes in lane order, in the fewest buffers: 2^m aligned lanes need m slots, at least 1.
struct AccumulationPlan {
  int slots;
  std::vector<LaneStep> lanes;  // one per lane of the run
  struct Sum {
    Subtree subtree;
    int slot;
    bool operator==(const Sum&) const = default;
  };
  std::vector<Sum> sums;  // the remaining sums and their slots: MaximalSubtrees, in lane order
};
AccumulationPlan PlanAccumulation(LaneRun run, int lanes);

// register[dst] = register[a] + register[b], element by element; dst may be a or b.
struct TreeAdd {
  int dst, a, b;
  bool operator==(const TreeAdd&) const = default;
};

struct TreeProgram {
  int registers;              // inputs, then temporaries
  int inputs;                 // registers 0 .. inputs - 1; never written, so they may be another worker's memory
  std::vector<TreeAdd> adds;  // in order
  struct Output {
    Subtree subtree;
    int reg;
    bool operator==(const Output&) const = default;
  };
  std::vector<Output> outputs;  // in lane order; an output that is an input is that register
};

// Combines subtree sums (disjoint, in any order) as far along the tree as they reach, with the fewest temporaries. Outputs are the
// maximal subtrees covered: one, the root {log2(lanes), 0}, when all lanes are there.
TreeProgram CombineSubtrees(const std::vector<Subtree>& inputs, int lanes);

// The definition, for tests: the sum of a power of two of values along the tree.
template <typename Number>
Number ReferenceTreeSum(std::span<const Number> values) {
  DEIT_CHECK(!values.empty());
  if (values.size() == 1) return values[0];
  const size_t half = values.size() / 2;
  return ReferenceTreeSum(values.first(half)) + ReferenceTreeSum(values.subspan(half));
}

}  // namespace deit::plan
