// Digest of a job: the resolved spec together with the contents behind its paths.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/dataset/index.h"
#include "proto/spec.pb.h"

namespace deit::job {

struct JobDigest {
  std::string spec;       // over RESULT fields and the contents behind the spec's paths, 16 hex digits
  std::string init_from;  // of the contents behind model.init_from alone; empty: it has none
};

// Weights are read; a checkpoint among them is verified. Those of model.init_from may be gone once the job in spec.run_dir has a checkpoint to go
// on from: their digest is then the one that job.json keeps. Not with `fresh_start`, which needs them. Errors name the field.
StatusOr<JobDigest> DigestJob(const v1::JobSpec& spec, const dataset::Index& train, bool fresh_start);

}  // namespace deit::job
