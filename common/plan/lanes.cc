#include "common/plan/lanes.h"

#include <algorithm>

#include "common/base/status.h"

namespace deit::plan {
namespace {

void CheckWorld(int workers, int lanes) { DEIT_CHECK(workers >= 1 && workers <= lanes, "workers=", workers, " lanes=", lanes); }

int FirstLaneOf(int worker, int workers, int lanes) { return worker * (lanes / workers) + std::min(worker, lanes % workers); }

}  // namespace

LaneRun LanesOfWorker(int worker, int workers, int lanes) {
  CheckWorld(workers, lanes);
  DEIT_CHECK(worker >= 0 && worker < workers, "worker=", worker, " workers=", workers);
  return {FirstLaneOf(worker, workers, lanes), FirstLaneOf(worker + 1, workers, lanes)};
}

int WorkerOfLane(int lane, int workers, int lanes) {
  CheckWorld(workers, lanes);
  DEIT_CHECK(lane >= 0 && lane < lanes, "lane=", lane, " lanes=", lanes);
  const int small = lanes / workers;
  const int large_workers = lanes % workers;
  const int large_lanes = large_workers * (small + 1);
  return lane < large_lanes ? lane / (small + 1) : large_workers + (lane - large_lanes) / small;
}

uint64_t PositionOf(uint64_t step, int lane, uint64_t slot, uint64_t batch_size, int lanes) {
  DEIT_CHECK(lane >= 0 && lane < lanes, "lane=", lane, " lanes=", lanes);
  const uint64_t micro_batch = batch_size / static_cast<uint64_t>(lanes);
  DEIT_CHECK(micro_batch * static_cast<uint64_t>(lanes) == batch_size && slot < micro_batch, "slot=", slot, " batch_size=", batch_size);
  return step * batch_size + static_cast<uint64_t>(lane) * micro_batch + slot;
}

}  // namespace deit::plan
