// Reasons for which the control channel rejects a connection: a closed list, so that rejections can be counted by cause.
#pragma once

#include <string>

namespace deit::control {

enum class RejectionCause {
  kMalformed,     // not a message of proto/control.proto, or not the one that is due
  kTooLong,       // a frame of more than kMaxFrameBytes
  kOtherVersion,  // of the protocol
  kOtherJob,
  kOtherLaunch,       // not admitted
  kOtherRole,         // than the launch has
  kOtherWorkerCount,  // than the launch has
  kNoToken,           // a ClientAuth without a proof
  kWrongToken,        // a wrong proof, also one recorded on another connection
  kWrongMac,          // a frame that was changed, or recorded on another connection
  kReplayed,          // a frame that was received before
  kSkipped,           // a frame ahead of its turn
  kTimedOut,          // not authenticated before the deadline
  kCrowded,           // too many connections
  kNoResources        // no descriptor or memory left in the process or the machine
};

// The cause in records and logs: "wrong token", "replayed frame".
std::string ToString(RejectionCause cause);

struct Rejection {
  RejectionCause cause = RejectionCause::kMalformed;
  std::string detail = {};  // values that differ, for the peer's log; may be empty
};

// "another number of workers: this worker counts 3, launch 1 has 2".
std::string Describe(const Rejection& rejection);

}  // namespace deit::control
