// Differences between two status reports, for `deit-coord status --watch` where it cannot redraw.
#pragma once

#include <vector>

#include "proto/status.pb.h"

namespace deit::status {

// From one report to the next: jobs that came, jobs of which more changed than ages, jobs that went (as they were last). Pure.
std::vector<v1::StatusChange> ChangesBetween(const v1::StatusReport& before, const v1::StatusReport& after);

}  // namespace deit::status
