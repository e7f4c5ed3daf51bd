// Number of workers of a job: --np=N or --np=MIN:MAX. Pure.
#pragma once

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::supervise {

struct WorkerCount {
  int workers = 1;  // to start with
  int min = 1;
  int max = 1;
};

// N: exactly N. MIN:MAX: as many as have a lane and cores for themselves (cores / threads_per_worker), within the bounds. Empty: 1:lanes.
// InvalidArgument: not a number, less than 1, MIN above MAX, more workers than lanes.
StatusOr<WorkerCount> CountWorkers(absl::string_view np, int lanes, int threads_per_worker, int cores);

}  // namespace deit::supervise
