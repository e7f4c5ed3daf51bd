// Loads weights from a file or a checkpoint into a job's state, for model.init_from and --task=evaluate.
#pragma once

#include <string>

#include "common/base/status.h"
#include "proto/spec.pb.h"
#include "worker/state/job_state.h"

namespace deit::tasks {

// Parameters and buffers from `path`, a safetensors file or a checkpoint, adapted as spec.model allows; moments stay as they are, the EMA
// starts as the weights. Worker 0 says what was adapted. Collective, as FillWeights; all workers get the same outcome. Errors: as
// weights::WeightsFile.
Status LoadWeights(const std::string& path, const v1::JobSpec& spec, const state::JobState& state);

}  // namespace deit::tasks
