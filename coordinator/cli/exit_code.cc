#include "coordinator/cli/exit_code.h"

#include <array>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"

namespace deit::cli {
namespace {
constexpr absl::string_view kExitUrl = "deit/verb_exit";

constexpr std::array kMeanings = {
    VerbExitMeaning{VerbExit::kDone, "the verb did its work"},
    VerbExitMeaning{VerbExit::kFailed, "the job or the operation failed; config diff: they differ"},
    VerbExitMeaning{VerbExit::kUsage, "wrong command line"},
    VerbExitMeaning{VerbExit::kNotFound, "not found"},
    VerbExitMeaning{VerbExit::kUnreachable, "coordinator unreachable"},
    VerbExitMeaning{VerbExit::kTimedOut, "timed out"},
    VerbExitMeaning{VerbExit::kConflict, "in conflict, or in the wrong state; wait: canceled"},
    VerbExitMeaning{VerbExit::kBadConfig, "invalid job file"},
    VerbExitMeaning{VerbExit::kNotSaved, "stopped, and a finished step is lost: run again to go on"},
    VerbExitMeaning{VerbExit::kStoppedAndSaved, "stopped with everything saved: run again to go on"},
    VerbExitMeaning{VerbExit::kInterrupted, "interrupted"},
};
}  // namespace

absl::Span<const VerbExitMeaning> AllVerbExits() { return kMeanings; }

Status WithVerbExit(Status status, VerbExit code) {
  if (!status.ok()) status.SetPayload(kExitUrl, absl::Cord(absl::StrCat(static_cast<int>(code))));
  return status;
}

VerbExit VerbExitOf(const Status& status) {
  if (auto payload = status.GetPayload(kExitUrl)) {
    int code = 0;
    DEIT_CHECK(absl::SimpleAtoi(std::string(*payload), &code));
    return static_cast<VerbExit>(code);
  }
  switch (status.code()) {
    case absl::StatusCode::kOk: return VerbExit::kDone;
    case absl::StatusCode::kInvalidArgument: return VerbExit::kBadConfig;
    case absl::StatusCode::kNotFound: return VerbExit::kNotFound;
    case absl::StatusCode::kDeadlineExceeded: return VerbExit::kTimedOut;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted: return VerbExit::kConflict;
    case absl::StatusCode::kCancelled: return VerbExit::kInterrupted;
    default: return VerbExit::kFailed;
  }
}

Status UsageError(absl::string_view message, absl::string_view hint) {
  Status status = WithVerbExit(absl::InvalidArgumentError(message), VerbExit::kUsage);
  return hint.empty() ? status : WithHint(std::move(status), hint);
}

}  // namespace deit::cli
