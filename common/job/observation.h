// Snapshot of a job taken from outside: its record, its progress, and which of its processes are alive.
#pragma once

#include <optional>

#include "common/files/file_system.h"
#include "common/job/job_health.h"
#include "common/job/state_folder.h"
#include "proto/job.pb.h"
#include "proto/run.pb.h"

namespace deit::job {

struct Observation {
  v1::JobRecord record;  // the newest; while no owner lives, `attempt` and `guardian` are the newest attempt's, from either record
  std::optional<v1::Progress> progress;
  LivenessEvidence evidence;  // nothing but dead where the record has an end
};

// Never fails: what cannot be read is not there. Consistent where a job ends in the meantime: an end that was recorded before its
// owner was seen dead is seen. Thread-safe.
Observation Observe(files::FileSystem& fs, const StateFolder& folder, v1::JobRecord record);

}  // namespace deit::job
