// logs/attempt_N/guardian.json, bound to its job and run folder: in a copy of the folder it names the original's processes.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/files/file_system.h"
#include "common/run/run_folder.h"
#include "proto/job.pb.h"

namespace deit::job {

// Says in `record` that it is about `job` in this folder, and replaces the file.
Status WriteGuardian(files::FileSystem& fs, const run::RunFolder& folder, const std::string& job, v1::GuardianRecord* record);

// NotFound: there is none, or it is about another job or another folder. One without these marks was written by an older version.
StatusOr<v1::GuardianRecord> ReadGuardian(files::FileSystem& fs, const run::RunFolder& folder, const std::string& job, int attempt);

}  // namespace deit::job
