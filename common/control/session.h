// What follows the handshake: every message carries a counter and a seal that only the two sides of this connection can make, so that
// nobody can add, change, repeat or leave out a message.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "common/control/refusal.h"

namespace deit::control {

enum class Side { kOwner, kWorker };

// One side's state. Pure. Not thread-safe.
class Session {
 public:
  Session(std::string key, Side side);  // the key of this connection: handshake.h

  // The next message to the other side: a serialized v1::Sealed around `body`.
  std::string Seal(absl::string_view body);

  // The body of the other side's next message. After a refusal the session is over.
  std::variant<std::string, Refusal> Open(const std::string& sealed);

 private:
  std::string key_;
  Side side_;
  uint64_t sent_ = 0;    // the next counter of this side
  uint64_t opened_ = 0;  // the next counter of the other side
};

}  // namespace deit::control
