// Digest of a job: the resolved spec together with the contents behind its paths.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/dataset/index.h"
#include "proto/spec.pb.h"

namespace deit::job {

// The digest over RESULT fields and the contents behind the spec's paths, 16 hex digits. Weights are read; a checkpoint among them is
// verified. Errors name the field.
StatusOr<std::string> DigestJob(const v1::JobSpec& spec, const dataset::Index& train);

}  // namespace deit::job
