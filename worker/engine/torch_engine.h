// The engine over LibTorch: student, teacher and loss of a job.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "proto/spec.pb.h"
#include "worker/train/engine.h"

namespace deit::engine {

enum class Use {
  kTraining,    // gradients, and the teacher if the job has one
  kEvaluation,  // the student alone
  kReport,      // the student and, if the job has one, the teacher
};

// `spec` is resolved. Threads must be set before (numerics.h). Errors: weights of the teacher that are missing, broken or another model's; a
// model that cannot be built.
// `notes`, if given, gets what should be said about the teacher: how its weights were read (WeightsFile::notes), and how it sees other pixels
// than the student (distill::TeacherPixels).
StatusOr<std::unique_ptr<train::Engine>> NewTorchEngine(const v1::JobSpec& spec, Use use, std::vector<std::string>* notes = nullptr);

}  // namespace deit::engine
