// Status of a job as a message, derived from an observation. Pure.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/job/observation.h"
#include "proto/status.pb.h"

namespace deit::status {

v1::JobStatus DescribeJob(const job::Observation& seen, absl::Time now);

// All of them: first those that are not over, the newest first; then those that are, the last to end first. `unreadable`: of
// ListJobRecords.
v1::StatusReport MakeReport(const std::vector<job::Observation>& seen, const std::vector<Status>& unreadable, absl::Time now);

}  // namespace deit::status
