// Check for a run folder whose job is trained to its end, so that nothing has to be started.
#pragma once

#include <cstdint>
#include <string>

#include "common/files/file_system.h"
#include "common/run/run_folder.h"

namespace deit::job {

// Whether the folder's job is the one with `spec_digest`, SUCCEEDED with at least `steps` steps, and has a complete checkpoint of them.
bool IsFinished(files::FileSystem& fs, const run::RunFolder& folder, const std::string& spec_digest, int64_t steps);

}  // namespace deit::job
