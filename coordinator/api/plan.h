// Shows which image each lane trains on in each step. Reads the data set's index, but no image.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "proto/plan.pb.h"
#include "proto/spec.pb.h"

namespace deit::api {

struct StepRange {
  uint64_t begin, end;  // begin < end <= kMaxPlanSteps
};

// The largest batch times this many steps still numbers its positions in 64 bits.
inline constexpr uint64_t kMaxPlanSteps = uint64_t{1} << 43;

class PlanSink {
 public:
  virtual ~PlanSink() = default;
  virtual void Begin(const v1::PlanPlace& largest) = 0;  // once, before all places: the largest value of each field
  virtual void Place(const v1::PlanPlace& place) = 0;
};

// Passes on each place of the steps, in the order of positions. `index_folder`: for lists of large data sets (job::IndexFolder()).
// Nothing is passed on where an error is returned: the data set's index, or a plan that cannot be (InvalidArgument).
Status ShowPlan(const v1::JobSpec& job, const std::string& index_folder, StepRange steps, PlanSink& sink);

}  // namespace deit::api
