// Loads the averaged weights of a checkpoint in place of the trained ones.
#pragma once

#include <string>

#include "common/base/status.h"
#include "worker/state/job_state.h"

namespace deit::tasks {

// Parameters and buffers from the set's EMA, of exactly this model: nothing is adapted. Collective; all workers get the same outcome. The
// set has been verified. Errors: no set, a set without an EMA, tensors of another model.
Status LoadAverage(const std::string& set, const state::JobState& state);

}  // namespace deit::tasks
