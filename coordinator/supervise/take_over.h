// Whether a run folder holds an attempt of an owner that died, to be gone on with.
#pragma once

#include <optional>

#include "common/base/status.h"
#include "common/job/job_store.h"
#include "proto/job.pb.h"

namespace deit::supervise {

// Its record, if there is one: an attempt that lives, or one that ended when nobody was there to see it. Where the record itself was lost,
// what guardian.json knows of a living attempt. An attempt of another host (a job that Slurm started again elsewhere) is given up: nobody here can
// see or end it, and the run folder's lock says that its owner is gone.
StatusOr<std::optional<v1::JobRecord>> FindAbandonedAttempt(const job::JobStore& owner);

}  // namespace deit::supervise
