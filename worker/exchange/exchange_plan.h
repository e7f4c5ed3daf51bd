// Communication and summation plan: every element's sum over the lanes follows one balanced binary tree, for any set of workers (law 1).
// Pure: each worker computes the same plan from the same arguments.
//
// Each worker leaves the sums of its lanes' maximal subtrees in slots. A bucket is cut into one shard per worker (plan::Shards). For a shard
// owned on another node, one worker of each node, the proxy, adds its node's sums along the tree as far as they go and sends the results;
// the owner adds its own node's sums and what arrived to the root. So a node whose lanes form one subtree sends each element once: a ring's bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "common/plan/grid.h"
#include "common/plan/lane_tree.h"
#include "common/plan/lanes.h"
#include "common/plan/shards.h"
#include "worker/exchange/topology.h"

namespace deit::exchange {

// A contiguous range of the flat buffer, in elements.
struct ElementRange {
  int64_t begin = 0, count = 0;
};

// One subtree sum in a worker's slot.
struct SlotSum {
  int worker, slot;
  plan::Subtree subtree;
};

// One subtree sum that travels from a node to the owner of a shard.
struct NodeSum {
  int node, output;  // the node's program's output of that number
  plan::Subtree subtree;
};

// How a worker adds its own lanes: along the lane tree, or one after another into slot 0 (reduction FASTEST, where nothing below is used
// but lanes and shards).
enum class LaneOrder { kTree, kSequential };

class ExchangePlan {
 public:
  ExchangePlan(const plan::Grid& grid, int lanes, LaneOrder order, Topology topology);

  const Topology& topology() const { return topology_; }
  const plan::Shards& shards() const { return shards_; }
  int buckets() const { return static_cast<int>(ranges_.size()); }
  int lanes() const { return lanes_; }
  LaneOrder order() const { return order_; }

  // The lanes of `worker` and how it accumulates them; slots(worker) gradient buffers are enough.
  plan::LaneRun LanesOf(int worker) const { return plan::LanesOfWorker(worker, topology_.workers(), lanes_); }
  const plan::AccumulationPlan& AccumulationOf(int worker) const { return accumulation_[static_cast<size_t>(worker)]; }

  // The shard of `bucket` that `worker` owns; may be empty.
  ElementRange ShardOf(int bucket, int worker) const { return ranges_[static_cast<size_t>(bucket)][static_cast<size_t>(worker)]; }

  // Elements of all shards of `worker`, with the padding between tensors.
  int64_t OwnedBy(int worker) const { return owned_[static_cast<size_t>(worker)]; }

  // What a node adds by itself: inputs are its workers' slot sums, outputs its maximal subtrees.
  const std::vector<SlotSum>& NodeInputs(int node) const { return node_inputs_[static_cast<size_t>(node)]; }
  const plan::TreeProgram& NodeProgram(int node) const { return node_programs_[static_cast<size_t>(node)]; }

  // What an owner on `node` adds: inputs are NodeInputs(node), then RemoteInputs(node); one output, the root.
  const std::vector<NodeSum>& RemoteInputs(int node) const { return remote_inputs_[static_cast<size_t>(node)]; }
  const plan::TreeProgram& RootProgram(int node) const { return root_programs_[static_cast<size_t>(node)]; }

  // The worker of `node` that adds and sends `owner`'s shards, and that receives their updated weights. Spread evenly.
  int ProxyOf(int owner, int node) const;

  // Of a tree plan only: bytes per step that `worker` hands to the transport or reads from another worker's slots: gradients and updated weights.
  int64_t GradientBytes(int worker) const;
  int64_t WeightBytes(int worker) const;

  // What a ring would send for the same gradients and weights: 2 (W-1)/W of the buffer.
  int64_t RingBytes() const;

 private:
  int lanes_;
  LaneOrder order_;
  int64_t elements_;
  Topology topology_;
  plan::Shards shards_;
  std::vector<int64_t> owned_;
  std::vector<plan::AccumulationPlan> accumulation_;
  std::vector<std::vector<ElementRange>> ranges_;
  std::vector<std::vector<SlotSum>> node_inputs_;
  std::vector<plan::TreeProgram> node_programs_;
  std::vector<std::vector<NodeSum>> remote_inputs_;
  std::vector<plan::TreeProgram> root_programs_;
};

}  // namespace deit::exchange
