// Files that explain a failed attempt: its launcher's and workers' last lines, and what they left behind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/files/file_system.h"
#include "common/run/run_folder.h"
#include "coordinator/job/job_action.h"
#include "coordinator/job/job_event.h"
#include "coordinator/job/job_observer.h"
#include "launch/launcher.h"

namespace deit::job {

// The last `count` lines of a text file; none where it cannot be read.
std::vector<std::string> LastLines(files::FileSystem& fs, const std::string& path, uint64_t count);

// The report on a failed attempt. The last lines are the failed worker's; where it has left none, the launcher's.
FailureReport MakeReport(files::FileSystem& fs, const run::RunFolder& folder, const ReportFailure& failure);

// Steps done, from metrics.jsonl, and saved, from the newest complete checkpoint.
StepCounts CountSteps(files::FileSystem& fs, const run::RunFolder& folder);

// Whether the run folder's disk has room for another checkpoint of the newest one's size; true where that cannot be known.
bool HasRoomForCheckpoint(files::FileSystem& fs, const run::RunFolder& folder);

// Everything that an attempt of `workers` workers left in its folder but its exit, which its handle knows.
AttemptOutcome ReadOutcome(files::FileSystem& fs, const run::RunFolder& folder, int attempt, int workers, const launch::Launcher& launcher);

}  // namespace deit::job
