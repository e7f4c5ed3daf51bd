// The owner's side of one connection without socket and clock: bytes in, answers and messages out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/control/frame.h"
#include "common/control/refusal.h"
#include "common/control/session.h"
#include "proto/control.pb.h"

namespace deit::control {

// Whom the owner lets in.
struct Expected {
  std::string job;
  int attempt = 0;  // they count from 1; 0: nobody is let in
  std::string token;
};

// Not thread-safe.
class OwnerSide {
 public:
  struct Heard {
    std::optional<v1::Hello> hello;           // the worker has just proved to be this one
    std::string reply;                        // bytes to send to it
    std::vector<v1::WorkerMessage> messages;  // after that; each says something
    std::optional<Refusal> refusal;           // after all of the above: say farewell and close, receive nothing more
  };

  OwnerSide(Expected expected, std::string nonce);  // kNonceBytes random bytes, never used before

  // The first bytes to send.
  std::string Challenge() const;

  Heard Receive(absl::string_view bytes);

  // What to send before closing for `refusal`: the cause while the worker waits for its welcome, nothing later.
  std::string Farewell(Refusal refusal) const;

  bool introduced() const { return session_.has_value(); }

 private:
  std::optional<Refusal> ReceiveIntroduction(const std::string& message, Heard* heard);
  std::optional<Refusal> ReceiveSealed(const std::string& message, Heard* heard);

  Expected expected_;
  std::string nonce_;
  FrameReader reader_;
  std::optional<Session> session_;  // once introduced
};

}  // namespace deit::control
