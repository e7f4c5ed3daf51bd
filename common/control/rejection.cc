#include "common/control/rejection.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace deit::control {

std::string ToString(RejectionCause cause) {
  switch (cause) {
    case RejectionCause::kMalformed: return "malformed frame";
    case RejectionCause::kTooLong: return "over-long frame";
    case RejectionCause::kOtherVersion: return "another version";
    case RejectionCause::kOtherJob: return "another job";
    case RejectionCause::kOtherLaunch: return "another launch";
    case RejectionCause::kOtherRole: return "another role";
    case RejectionCause::kOtherWorkerCount: return "another number of workers";
    case RejectionCause::kNoToken: return "no token";
    case RejectionCause::kWrongToken: return "wrong token";
    case RejectionCause::kWrongMac: return "wrong MAC";
    case RejectionCause::kReplayed: return "replayed frame";
    case RejectionCause::kSkipped: return "skipped frame";
    case RejectionCause::kTimedOut: return "not authenticated in time";
    case RejectionCause::kCrowded: return "too many connections";
    case RejectionCause::kNoResources: return "no descriptors left";
  }
  DEIT_CHECK(false, static_cast<int>(cause));
}

std::string Describe(const Rejection& rejection) {
  return rejection.detail.empty() ? ToString(rejection.cause) : absl::StrCat(ToString(rejection.cause), ": ", rejection.detail);
}

}  // namespace deit::control
