// Messages for people. Function style, because torch and glog both define LOG and CHECK and meet in the worker.
// One line each, to stderr, as "deit-worker[2]: warning: text" (no level word for information).
#pragma once

#include "absl/strings/string_view.h"

namespace deit {

// The name before each message: "deit-coord", or "deit-worker[2]" once the worker knows its number. Thread-safe.
void SetLogName(absl::string_view name);

// Called before each line is written: a progress line clears itself here. Null removes it. Thread-safe.
void SetBeforeLogLine(void (*hook)());

void LogInfo(absl::string_view text);
void LogWarning(absl::string_view text);
void LogError(absl::string_view text);

}  // namespace deit
