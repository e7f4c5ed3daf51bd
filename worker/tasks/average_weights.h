// The averaged weights of a checkpoint set in place of the trained ones.
#pragma once

#include <string>

#include "common/base/status.h"
#include "worker/train/job_state.h"

namespace deit::tasks {

// Parameters and buffers from the set's EMA, of exactly this model: nothing is adapted. Collective; all workers get the same outcome. The
// set has been verified. Errors: no set, a set without an EMA, tensors of another model.
Status LoadAverage(const std::string& set, const train::JobState& state);

}  // namespace deit::tasks
