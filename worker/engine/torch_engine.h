// The engine over LibTorch: student, teacher and loss of a job.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "proto/spec.pb.h"
#include "worker/train/engine.h"

namespace deit::engine {

// `spec` is resolved. With `training`, the teacher (if the job has one) is loaded, and gradients can be computed. Threads must be set before
// (numerics.h). Errors: weights of the teacher that are missing, broken or another model's; a model that cannot be built.
// `notes`, if given, gets what should be said about the teacher's weights (WeightsFile::notes).
StatusOr<std::unique_ptr<train::Engine>> NewTorchEngine(const v1::JobSpec& spec, bool training, std::vector<std::string>* notes = nullptr);

}  // namespace deit::engine
