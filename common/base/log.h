// Log messages for users. Function style over glog, because torch and glog both define LOG and CHECK and meet in the worker. Log lines go
// to stderr as "deit-worker[2]: warning: text" (no level word for information); results go to stdout. All functions are thread-safe; the
// lines of several threads never mix.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace deit {

// The name before each log line: "deit-coord", or "deit-worker[2]" once the worker knows its number.
void SetLogName(absl::string_view name);

// Called before each line with the descriptor that it goes to: a progress line clears itself here. Null removes it. It must not log.
void SetBeforeLogLine(void (*hook)(int fd));

void LogInfo(absl::string_view text);
void LogWarning(absl::string_view text);
void LogError(absl::string_view text);

// A line that another process of ours has worded, name and all, to stderr as it is.
void LogVerbatim(absl::string_view line);

// One line of output, without a name before it, to stdout.
void PrintLine(absl::string_view text);

// A line that only the copy of stdout gets: what a terminal shows in another form.
void CopyOutputLine(absl::string_view text);

// Runs `action` while no line is being written: a progress line draws itself here. It must not log.
void RunBetweenLogLines(absl::FunctionRef<void()> action);

// From now on each line is also written to the descriptor of its stream, and a crash's stack to `stderr_copy`. -1: no copy.
// The caller owns the descriptors and takes them away before closing them. See common/process/message_copy.h.
void SetLogCopies(int stdout_copy, int stderr_copy);

// On SIGSEGV, SIGABRT, SIGBUS, SIGFPE and SIGILL: the stack to stderr (and its copy), then the signal's own end. Call it
// once, first in main(). SIGTERM stays what it was.
void InstallCrashHandler();

}  // namespace deit
