// A status report for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/text/table.h"
#include "proto/status.pb.h"

namespace deit::status {

enum class Columns { kDefault, kWide };

// The titles, then a line for each job, in the report's order.
std::vector<std::string> StatusTable(const v1::StatusReport& report, Columns columns, const text::Look& look);

// What to do next: the first job's hint that there is; without any job, how to start one. Empty: nothing.
std::string NextStep(const v1::StatusReport& report);

}  // namespace deit::status
