// How a verb of deit-coord ends, and how a verb says so: a failed status carries its exit code to main().
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
  kStoppedAndSaved = 75,
  kInterrupted = 130,
};

// What each means, in ascending order: what `help` prints.
struct VerbExitMeaning {
  VerbExit code;
  const char* meaning;
};
absl::Span<const VerbExitMeaning> AllVerbExits();

// Attaches `code` to a failed status; it survives Annotate(). OK stays OK.
Status WithVerbExit(Status status, VerbExit code);

// The attached code, else by status code: InvalidArgument 7 (what the spec library reports), NotFound and PermissionDenied 3,
// Unavailable 4, DeadlineExceeded 5, AlreadyExists, FailedPrecondition and Aborted 6, Cancelled 130, everything else 1. OK is 0.
VerbExit VerbExitOf(const Status& status);

// A wrong command line (exit 2): a flag, a missing argument, a value that a verb cannot read.
Status UsageError(absl::string_view message, absl::string_view hint = "");

}  // namespace deit::cli
