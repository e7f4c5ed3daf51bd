// Assignment of lanes to workers and of positions to lanes. The job defines the lanes; workers divide them among themselves.
#pragma once

#include <cstdint>

namespace deit::plan {

// Consecutive lanes begin .. end - 1.
struct LaneRun {
  int begin, end;
  int size() const { return end - begin; }
  bool operator==(const LaneRun&) const = default;
};

// 1 <= workers <= lanes: the first (lanes mod workers) workers own one lane more; runs are contiguous, in worker order.
LaneRun LanesOfWorker(int worker, int workers, int lanes);
int WorkerOfLane(int lane, int workers, int lanes);

// The position in `slot` (0 .. batch_size / lanes - 1) of a lane's micro-batch; a lane is a contiguous run of batch_size / lanes
// positions. batch_size must be divisible by lanes.
uint64_t PositionOf(uint64_t step, int lane, uint64_t slot, uint64_t batch_size, int lanes);

}  // namespace deit::plan
