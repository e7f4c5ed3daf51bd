// A worker's side of one connection, without socket and clock: bytes in, replies and messages out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/control/frame.h"
#include "common/control/session.h"
#include "proto/control.pb.h"

namespace deit::control {

// Not thread-safe.
class ClientProtocol {
 public:
  struct ReceiveResult {
    std::string reply;                       // bytes to send; often none
    std::vector<v1::OwnerMessage> messages;  // each has its oneof set
  };

  // `nonce`: kNonceBytes random bytes, never used before.
  ClientProtocol(const v1::Hello& hello, std::string token, std::string nonce);

  // PermissionDenied when the owner rejects this worker (with its reason), is of another version, or does not know the token; DataLoss for
  // bytes that are no message or not the one that is due. After an error the connection is to be closed; messages in the same bytes are lost.
  StatusOr<ReceiveResult> Receive(absl::string_view bytes);

  // Whether both sides have proved that they know the token.
  bool authenticated() const { return session_.has_value(); }

  // The bytes of a message to the owner. Only after authentication, and in the order of sending.
  std::string Encode(const v1::WorkerMessage& message);

 private:
  StatusOr<std::string> ReceiveChallenge(const std::string& message);
  Status ReceiveServerAuth(const std::string& message);
  StatusOr<v1::OwnerMessage> ReceiveAuthenticated(const std::string& message);

  std::string hello_;  // serialized
  std::string token_;
  std::string nonce_;
  FrameReader reader_;
  std::optional<v1::Challenge> challenge_;  // once received
  std::optional<Session> session_;          // once authenticated
};

}  // namespace deit::control
