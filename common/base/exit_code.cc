#include "common/base/exit_code.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace deit {
namespace {
constexpr absl::string_view kExitCodeUrl = "deit/exit_code";
}

absl::Status WithExitCode(absl::Status status, ExitCode code) {
  if (!status.ok()) status.SetPayload(kExitCodeUrl, absl::Cord(absl::StrCat(static_cast<int>(code))));
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kDone;
  if (auto payload = status.GetPayload(kExitCodeUrl)) {
    int code = 0;
    if (absl::SimpleAtoi(std::string(*payload), &code)) return static_cast<ExitCode>(code);
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument: return ExitCode::kBadConfig;
    case absl::StatusCode::kDataLoss: return ExitCode::kCorrupt;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied: return ExitCode::kMissingInput;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded: return ExitCode::kPeerLost;
    case absl::StatusCode::kResourceExhausted: return ExitCode::kNotSaved;
    default: return ExitCode::kInternal;
  }
}

bool EndedWell(ExitCode code) { return code == ExitCode::kDone || code == ExitCode::kStoppedAndSaved; }

const char* Meaning(ExitCode code) {
  switch (code) {
    case ExitCode::kDone: return "done";
    case ExitCode::kBadConfig: return "bad config";
    case ExitCode::kCorrupt: return "data or checkpoint corrupt";
    case ExitCode::kMissingInput: return "an input is missing or unreadable";
    case ExitCode::kPeerLost: return "a peer was lost or stalled";
    case ExitCode::kInternal: return "internal error";
    case ExitCode::kDevice: return "device failure";
    case ExitCode::kRunFolder: return "run folder unwritable, in use or of another job";
    case ExitCode::kNotSaved: return "writing failed and the last state is not saved";
    case ExitCode::kStoppedAndSaved: return "stopped with everything saved";
    case ExitCode::kNonFinite: return "loss not finite";
  }
  return "unknown";
}

}  // namespace deit
