// A worker's side of one connection to the owner without socket and clock: bytes in, answers out.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/control/frame.h"
#include "common/control/session.h"
#include "proto/control.pb.h"

namespace deit::control {

// Not thread-safe.
class WorkerSide {
 public:
  // `nonce`: kNonceBytes random bytes, never used before.
  WorkerSide(const v1::Hello& hello, std::string token, std::string nonce);

  // The bytes to send in answer; often none. PermissionDenied when the owner refuses this worker (with its cause) or does not know
  // the token; DataLoss when it says what no owner says. After an error the connection is to be closed.
  StatusOr<std::string> Receive(absl::string_view bytes);

  // Whether the owner has let this worker in.
  bool welcome() const { return session_.has_value(); }

  // The bytes that tell the owner; only once welcome.
  std::string Tell(const v1::WorkerMessage& message);

 private:
  StatusOr<std::string> ReceiveChallenge(const std::string& message);
  Status ReceiveWelcome(const std::string& message);

  std::string hello_;  // serialized
  std::string token_;
  std::string nonce_;
  FrameReader reader_;
  std::optional<std::string> owner_nonce_;  // once challenged; empty: by an owner of another version, which will refuse
  std::optional<Session> session_;          // once welcome
};

}  // namespace deit::control
