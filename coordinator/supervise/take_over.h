// Finds the attempt of a dead owner in a run folder, to be continued.
#pragma once

#include <optional>

#include "common/base/status.h"
#include "common/job/job_store.h"
#include "proto/job.pb.h"

namespace deit::supervise {

// Its record, if there is one: an attempt that lives, or one that ended unobserved. Where the record itself was lost,
// what guardian.json knows of a living attempt. An attempt of another host (a job that Slurm started again elsewhere) is given up: it cannot
// be observed or ended from here, and the run folder's lock proves that its owner is gone.
StatusOr<std::optional<v1::JobRecord>> FindAbandonedAttempt(const job::JobStore& owner);

}  // namespace deit::supervise
