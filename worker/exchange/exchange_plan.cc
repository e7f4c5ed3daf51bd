#include "worker/exchange/exchange_plan.h"

#include <utility>

#include "common/base/status.h"

namespace deit::exchange {
namespace {

std::vector<plan::Subtree> SubtreesOf(const std::vector<SlotSum>& slots, const std::vector<NodeSum>& sums) {
  std::vector<plan::Subtree> subtrees;
  for (const SlotSum& sum : slots) subtrees.push_back(sum.subtree);
  for (const NodeSum& sum : sums) subtrees.push_back(sum.subtree);
  return subtrees;
}

plan::AccumulationPlan OneAfterAnother(plan::LaneRun run) {
  plan::AccumulationPlan accumulation{1, {}, {}};
  for (int k = 0; k < run.size(); ++k) accumulation.lanes.push_back({0, k > 0, {}});
  return accumulation;
}

// With the padding behind it, so that the shards of a bucket are adjacent.
ElementRange RangeOf(const plan::Grid& grid, plan::BlockRange blocks) {
  if (blocks.empty()) return {};
  const int64_t begin = grid.blocks()[static_cast<size_t>(blocks.begin)].offset;
  const size_t end = static_cast<size_t>(blocks.end);
  return {begin, (end < grid.blocks().size() ? grid.blocks()[end].offset : grid.elements()) - begin};
}

}  // namespace

ExchangePlan::ExchangePlan(const plan::Grid& grid, int lanes, LaneOrder order, Topology topology)
    : lanes_(lanes), order_(order), elements_(grid.elements()), topology_(std::move(topology)), shards_(grid, topology_.workers()),
      owned_(topology_.node_of.size()) {
  const int workers = topology_.workers();
  DEIT_CHECK(workers <= lanes, workers, " workers for ", lanes, " lanes");
  for (int w = 0; w < workers; ++w) {
    accumulation_.push_back(order == LaneOrder::kTree ? plan::PlanAccumulation(LanesOf(w), lanes) : OneAfterAnother(LanesOf(w)));
  }
  for (int bucket = 0; bucket < static_cast<int>(grid.buckets().size()); ++bucket) {
    std::vector<ElementRange> ranges;
    for (int w = 0; w < workers; ++w) ranges.push_back(RangeOf(grid, shards_.Of(bucket, w)));
    for (int w = 0; w < workers; ++w) owned_[static_cast<size_t>(w)] += ranges[static_cast<size_t>(w)].count;
    ranges_.push_back(std::move(ranges));
  }
  if (order == LaneOrder::kSequential) return;
  for (int node = 0; node < topology_.nodes(); ++node) {
    std::vector<SlotSum> inputs;
    for (int w : topology_.members[static_cast<size_t>(node)]) {
      for (const auto& sum : AccumulationOf(w).sums) inputs.push_back({w, sum.slot, sum.subtree});
    }
    node_programs_.push_back(plan::CombineSubtrees(SubtreesOf(inputs, {}), lanes));
    node_inputs_.push_back(std::move(inputs));
  }
  for (int node = 0; node < topology_.nodes(); ++node) {
    std::vector<NodeSum> remote;
    for (int other = 0; other < topology_.nodes(); ++other) {
      if (other == node) continue;
      const auto& outputs = NodeProgram(other).outputs;
      for (size_t k = 0; k < outputs.size(); ++k) remote.push_back({other, static_cast<int>(k), outputs[k].subtree});
    }
    root_programs_.push_back(plan::CombineSubtrees(SubtreesOf(NodeInputs(node), remote), lanes));
    DEIT_CHECK(root_programs_.back().outputs.size() == 1);
    remote_inputs_.push_back(std::move(remote));
  }
}

int ExchangePlan::ProxyOf(int owner, int node) const {
  const std::vector<int>& members = topology_.members[static_cast<size_t>(node)];
  return members[static_cast<size_t>(topology_.index_of[static_cast<size_t>(owner)]) % members.size()];
}

int64_t ExchangePlan::GradientBytes(int worker) const {
  DEIT_CHECK(order_ == LaneOrder::kTree);
  const int node = topology_.node_of[static_cast<size_t>(worker)];
  int64_t foreign = 0;  // sums of this node in other workers' slots
  for (const SlotSum& sum : NodeInputs(node)) foreign += sum.worker != worker;
  const int64_t outputs = static_cast<int64_t>(NodeProgram(node).outputs.size());
  int64_t elements = OwnedBy(worker) * foreign;
  for (int owner = 0; owner < topology_.workers(); ++owner) {
    if (topology_.node_of[static_cast<size_t>(owner)] == node || ProxyOf(owner, node) != worker) continue;
    elements += OwnedBy(owner) * (foreign + outputs);
  }
  return elements * static_cast<int64_t>(sizeof(float));
}

int64_t ExchangePlan::WeightBytes(int worker) const {
  return OwnedBy(worker) * (topology_.nodes() - 1) * static_cast<int64_t>(sizeof(float));
}

int64_t ExchangePlan::RingBytes() const {
  const int workers = topology_.workers();
  return int64_t{2} * (workers - 1) * elements_ / workers * static_cast<int64_t>(sizeof(float));
}

}  // namespace deit::exchange
