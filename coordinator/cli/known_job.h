// The job that a verb's command line names, and the environment that coordinator/api/ works on.
#pragma once

#include <string>

#include "coordinator/api/job_handle.h"
#include "coordinator/cli/arguments.h"

namespace deit::cli {

// The process's files, clock and state folder. FailedPrecondition with a hint where there can be no state folder.
StatusOr<api::Environment> ProcessEnvironment();

// The one word of the command line. A usage error without it, with more, or where several ids have that prefix; exit 3 without such a job.
StatusOr<api::JobHandle> FindJob(const std::string& verb, const Arguments& arguments);

// A time in seconds, as flags give it: "2", "0.5", also "90s", "5m". A usage error for anything else; negative ones too.
StatusOr<absl::Duration> ParseSeconds(const std::string& flag, const std::string& text);

}  // namespace deit::cli
