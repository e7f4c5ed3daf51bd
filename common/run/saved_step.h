// The newest checkpoint that a run folder's events tell of, so that its loss is noticed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/files/file_system.h"

namespace deit::run {

// The step of the last CheckpointCommitted event since the job last started from its beginning (JobStarted). Nothing without one, and without a
// readable events.jsonl; lines that are no events are skipped.
std::optional<int64_t> LastSavedStep(files::FileSystem& fs, const std::string& events_path);

}  // namespace deit::run
