// What a person reads when an attempt has failed: the cause, the failed worker's last words, what the others did, and what happens next.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/run/run_folder.h"
#include "coordinator/supervise/root_cause.h"

namespace deit::supervise {

// The last `count` lines of a text file; none where it cannot be read.
std::vector<std::string> LastLines(const std::string& path, uint64_t count);

// To stderr.
void ReportFailure(const run::RunFolder& folder, int attempt, const RootCause& cause, const std::string& doings, const std::string& next);

// How many steps of the job are known to have been done, from metrics.jsonl; 0 without it.
int64_t ReachedStep(const run::RunFolder& folder);

}  // namespace deit::supervise
