// The record of a job made from its run folder alone: for a job whose record was pruned, or is another machine's or user's.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/files/file_system.h"
#include "proto/job.pb.h"

namespace deit::api {

// `run_dir` is absolute. `job` is empty in a copy that was never started: it has no id of its own yet, and the guardian whose file
// it holds keeps the original's attempt. No process is named but those that the folder names. NotFound: not a run folder.
StatusOr<v1::JobRecord> RecordFromRunFolder(files::FileSystem& fs, const std::string& run_dir);

}  // namespace deit::api
