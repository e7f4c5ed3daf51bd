// Exit codes of deit-coord: a failed status carries its own to main().
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/base/status.h"

namespace deit::cli {

enum class VerbExit : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kUnreachable = 4,
  kTimedOut = 5,
  kConflict = 6,
  kBadConfig = 7,
  kNotSaved = 74,
  kStoppedAndSaved = 75,
  kInterrupted = 130,
};

// The meaning of each, in ascending order, as `help` prints it.
struct VerbExitMeaning {
  VerbExit code;
  const char* meaning;
};
absl::Span<const VerbExitMeaning> AllVerbExits();

// Attaches `code` to a failed status; it survives Annotate(). OK stays OK.
Status WithVerbExit(Status status, VerbExit code);

// The attached code, else by status code: InvalidArgument 7 (what the spec library reports), NotFound 3, DeadlineExceeded 5,
// AlreadyExists, FailedPrecondition (in use, wrong state) and Aborted 6, Cancelled 130, everything else 1 (cannot read, cannot
// write, no processes). OK is 0. 4 is only attached, by verbs that must ask a coordinator.
VerbExit VerbExitOf(const Status& status);

// A wrong command line (exit 2): a flag, a missing argument, a value that a verb cannot read.
Status UsageError(absl::string_view message, absl::string_view hint = "");

}  // namespace deit::cli
