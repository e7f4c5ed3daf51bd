// Why the control channel refuses a connection: a closed list, so that refusals can be counted by cause.
#pragma once

#include <string>

namespace deit::control {

enum class Refusal {
  kUnreadable,    // bytes that are no message of proto/control.proto, or not the one that must come now
  kTooLong,       // a frame of more than kMaxFrameBytes
  kOtherVersion,  // of the protocol
  kOtherJob,
  kOtherAttempt,
  kNoToken,     // an introduction without a proof
  kWrongToken,  // a proof that is wrong, also one recorded on another connection
  kWrongSeal,   // a sealed frame that was changed, or recorded on another connection
  kReplayed,    // a sealed frame once more
  kSkipped,     // a sealed frame before its turn
  kSilent,      // no introduction in time
  kCrowded,     // too many connections
  kNoResources  // the process or the machine has no descriptor or memory left for it
};

// As records and logs show it: "wrong token", "replayed frame".
std::string CauseOf(Refusal refusal);

}  // namespace deit::control
