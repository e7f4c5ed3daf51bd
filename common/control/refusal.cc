#include "common/control/refusal.h"

#include "common/base/status.h"

namespace deit::control {

std::string CauseOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::kUnreadable: return "unreadable frame";
    case Refusal::kTooLong: return "over-long frame";
    case Refusal::kOtherVersion: return "another version";
    case Refusal::kOtherJob: return "another job";
    case Refusal::kOtherAttempt: return "another attempt";
    case Refusal::kNoToken: return "no token";
    case Refusal::kWrongToken: return "wrong token";
    case Refusal::kWrongSeal: return "wrong seal";
    case Refusal::kReplayed: return "replayed frame";
    case Refusal::kSkipped: return "skipped frame";
    case Refusal::kSilent: return "not introduced in time";
    case Refusal::kCrowded: return "too many connections";
    case Refusal::kNoResources: return "no descriptors left";
  }
  DEIT_CHECK(false, static_cast<int>(refusal));
}

}  // namespace deit::control
