// Gradients of lanes that show in which order they were added, and a worker that adds its own as a trainer does.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/plan/grid.h"
#include "common/plan/lane_tree.h"
#include "worker/collective/local_communicator.h"
#include "worker/exchange/reducer.h"
#include "worker/exchange/worker_group.h"
#include "worker/update/block_math.h"

namespace deit::exchange {

// Several buckets, some of many blocks and some of one, so that parts of all sizes occur, empty ones too.
inline plan::Grid SampleGrid() {
  std::vector<plan::TensorShape> shapes = {{"scalar", {}}, {"large", {66000}}};
  for (int64_t k = 0; k < 12; ++k) shapes.push_back({absl::StrCat("tensor", k), {10, 20 + 11 * k}});
  shapes.push_back({"last", {100}});
  return plan::Grid(std::move(shapes), 2500);
}

// By lane, then element of the flat buffer; magnitudes differ, so that any other order of additions gives other bits somewhere.
inline std::vector<std::vector<float>> LaneGradients(int lanes, int64_t elements) {
  std::vector<std::vector<float>> gradients;
  for (int lane = 0; lane < lanes; ++lane) {
    std::minstd_rand random(static_cast<unsigned>(lane + 1));
    std::vector<float>& gradient = gradients.emplace_back(static_cast<size_t>(elements));
    for (float& value : gradient) value = (static_cast<float>(random() % 20001) - 10000) * (random() % 3 == 0 ? 1e-3f : 1.7f);
  }
  return gradients;
}

inline std::vector<float> TreeSums(const std::vector<std::vector<float>>& gradients) {
  std::vector<float> sums(gradients[0].size()), column(gradients.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    for (size_t lane = 0; lane < gradients.size(); ++lane) column[lane] = gradients[lane][i];
    sums[i] = plan::ReferenceTreeSum(std::span<const float>(column));
  }
  return sums;
}

// Fills this worker's slots from the gradients of its lanes.
inline void AccumulateLanes(WorkerGroup& worker_group, const std::vector<std::vector<float>>& gradients) {
  const Context& context = worker_group.context();
  const plan::AccumulationPlan& accumulation = worker_group.plan().AccumulationOf(context.worker());
  const int64_t elements = static_cast<int64_t>(gradients[0].size());
  const auto slot = [&](int s) { return worker_group.memory().slot(context.member(), s); };
  for (size_t k = 0; k < accumulation.lanes.size(); ++k) {
    const plan::LaneStep& step = accumulation.lanes[k];
    const std::vector<float>& gradient = gradients[static_cast<size_t>(worker_group.plan().LanesOf(context.worker()).begin) + k];
    if (step.add) update::Add(gradient.data(), slot(step.slot), elements);
    else std::memcpy(slot(step.slot), gradient.data(), gradient.size() * sizeof(float));
    for (const auto& merge : step.merges) update::Add(slot(merge.from), slot(merge.into), elements);
  }
}

// A simulated cluster: which workers share a host, and whether the hosts have shared memory.
struct World {
  std::string name;
  collective::LocalOptions options;
  int workers() const { return static_cast<int>(options.hosts.size()); }
};

// Groupings of `workers` into nodes: one node, each its own, blocks, and by turns (whose lanes form no subtrees); the first also with
// messages because there is no room for shared memory.
inline std::vector<World> Worlds(int workers) {
  std::vector<World> worlds(5);
  const char* names[] = {"one node", "no shared memory", "a node each", "two blocks", "by turns"};
  for (int w = 0; w < workers; ++w) {
    const int host[] = {0, 0, w, w < (workers + 1) / 2 ? 0 : 1, w % 2};
    for (size_t k = 0; k < worlds.size(); ++k) worlds[k].options.hosts.push_back(absl::StrCat("host", host[k]));
  }
  for (size_t k = 0; k < worlds.size(); ++k) worlds[k].name = absl::StrCat(workers, " workers, ", names[k]);
  worlds[1].options.shared_memory_room = 1000;
  return worlds;
}

inline WorkerGroupOptions OptionsFor(int lanes, LaneOrder order = LaneOrder::kTree) {
  WorkerGroupOptions options;
  options.lanes = lanes;
  options.order = order;
  options.payload_capacity = [](const ExchangePlan&) { return size_t{4096}; };
  options.deadline.limit = absl::Seconds(30);
  return options;
}

}  // namespace deit::exchange
