// Exit codes of deit-worker. A status carries its exit code to main(), so the code that knows the cause chooses it.
#pragma once

#include "absl/status/status.h"

namespace deit {

enum class ExitCode : int {
  kDone = 0,
  kBadConfig = 64,
  kCorrupt = 65,          // data or checkpoint corrupt
  kMissingInput = 66,     // an input is missing or unreadable
  kPeerLost = 69,         // a peer was lost or stalled: run again
  kInternal = 70,         // our bug
  kDevice = 71,           // device or NCCL failure
  kRunFolder = 73,        // run folder unwritable, in use or of another job
  kNotSaved = 74,         // writing failed and the last state is not saved
  kStoppedAndSaved = 75,  // run me again
  kNonFinite = 76,        // loss not finite
};

// Attaches `code` to a failed status; it survives Annotate(). OK stays OK.
absl::Status WithExitCode(absl::Status status, ExitCode code);

// The attached code, else by status code: InvalidArgument 64, DataLoss 65, NotFound and PermissionDenied 66, Unavailable and
// DeadlineExceeded 69, ResourceExhausted 74, everything else 70. OK is 0.
ExitCode ExitCodeOf(const absl::Status& status);

// Whether an attempt that ended so did what it was to do: 0 and 75.
bool EndedWell(ExitCode code);

// "69 (a peer was lost or stalled)": for messages.
const char* Meaning(ExitCode code);

}  // namespace deit
