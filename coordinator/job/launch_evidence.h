// Evidence of a launch that ended: its state and the files it left, as root cause, recovery and report want them. Pure.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "coordinator/job/job_event.h"
#include "coordinator/job/launch_state.h"
#include "coordinator/job/recovery_timeline.h"
#include "coordinator/job/root_cause.h"

namespace deit::job {

// `launcher`: its name; `host`: of workers that have not said where they run.
Evidence EvidenceOf(const LaunchState& launch, const AttemptOutcome& outcome, const std::string& launcher, const std::string& host);

// The last sign of life of what failed, `noticed` at the latest.
absl::Duration FailedAt(const LaunchState& launch, const AttemptOutcome& outcome, absl::Duration noticed);

// Fills in the part of the timeline that the new launch has reached.
void FillBeginning(const LaunchState& launch, RecoveryTimeline* timeline);

// Whether all workers have introduced themselves.
bool AllSpoke(const LaunchState& launch);

// "worker 0: step 12, phase reduce; worker 1: had not introduced itself"
std::string DescribeWorkers(const LaunchState& launch);

}  // namespace deit::job
