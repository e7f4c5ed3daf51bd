// Message authentication after the handshake: every message carries a counter and a MAC that only the two sides of this connection can make,
// so that a third party cannot add, change, repeat or drop a message unnoticed.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "common/control/rejection.h"

namespace deit::control {

enum class Side { kOwner, kWorker };

// The state of one side. Pure. Not thread-safe.
class Session {
 public:
  Session(std::string key, Side side);  // the key of this connection: handshake.h

  // The next message to the other side: a serialized v1::AuthenticatedFrame around `body`.
  std::string Seal(absl::string_view body);

  // The body of the other side's next message. After a rejection the session is over.
  std::variant<std::string, RejectionCause> Open(const std::string& frame);

 private:
  std::string key_;
  Side side_;
  uint64_t sent_ = 0;    // the next counter of this side
  uint64_t opened_ = 0;  // the next counter of the other side
};

}  // namespace deit::control
