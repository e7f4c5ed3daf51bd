// Accumulates one lane's gradients along the lane tree, tensor by tensor during the backward pass: stored into a slot or added to its left
// sibling's, then merged upwards, while they are still in the cache. No buffer of a lane's own is needed.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/plan/grid.h"
#include "common/plan/lane_tree.h"
#include "worker/update/block_math.h"

namespace deit::train {

// One per worker; reset for each lane. Not thread-safe: the backward pass runs on one thread.
class LaneAccumulator {
 public:
  // parameter_of[i]: the grid tensor of the model's tensor i, or -1 for a buffer. slots: this worker's gradient slots, each grid.elements()
  // gradients and then `statistics` floats.
  LaneAccumulator(const plan::Grid& grid, std::vector<int> parameter_of, std::vector<float*> slots, int64_t statistics);

  // `ready`: called with the number of buckets whose gradients of this lane are complete, counted from bucket 0, each time it grows; null
  // for none. It may fail: see status().
  void BeginLane(const plan::LaneStep& step, std::function<Status(int)> ready);

  // The gradient of model tensor `tensor`, once per lane: its elements in row-major order.
  void Accept(int tensor, const float* gradient);
  void Accept(int tensor, const update::BFloat16Bits* gradient);

  // This lane's batch statistics: fill the span, then call CommitStatistics() once.
  std::span<float> statistics_scratch() { return statistics_; }
  void CommitStatistics();

  // After the lane: every parameter must have come exactly once, and what `ready` returned.
  Status EndLane();

 private:
  template <typename Element>
  void AcceptRange(const Element* gradient, int64_t offset, int64_t count);
  void Arrived(int parameter);

  const plan::Grid& grid_;
  std::vector<int> parameter_of_;
  std::vector<float*> slots_;
  std::vector<float> statistics_;
  const plan::LaneStep* step_ = nullptr;
  std::function<Status(int)> ready_;
  std::vector<int> missing_of_bucket_;  // tensors that this lane still owes
  std::vector<bool> arrived_;           // by grid tensor
  int ready_buckets_ = 0;
  Status status_;
};

}  // namespace deit::train
