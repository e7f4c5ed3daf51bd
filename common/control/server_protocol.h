// The owner's side of one connection, without socket and clock: bytes in, replies and messages out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/control/admission.h"
#include "common/control/frame.h"
#include "common/control/rejection.h"
#include "common/control/session.h"
#include "proto/control.pb.h"

namespace deit::control {

// Not thread-safe.
class ServerProtocol {
 public:
  struct ReceiveResult {
    std::optional<v1::Hello> hello;           // the peer has just proved to be this worker
    std::string reply;                        // bytes to send to it
    std::vector<v1::WorkerMessage> messages;  // received after that; each has its oneof set
    std::optional<Rejection> rejection;       // after all of the above: send RejectionFrame, close, receive nothing more
  };

  // `rules` outlives the protocol; they are read when the worker introduces itself. `nonce`: kNonceBytes random bytes, never used before.
  ServerProtocol(const AdmissionRules* rules, std::string nonce);

  // The first bytes to send.
  std::string Challenge() const;

  ReceiveResult Receive(absl::string_view bytes);

  // The bytes of a message to the worker. Only after authentication, and in the order of sending.
  std::string Encode(const v1::OwnerMessage& message);

  // The bytes to send before closing for `rejection`: its description while the worker waits for a ServerAuth, none later.
  std::string RejectionFrame(const Rejection& rejection) const;

  bool authenticated() const { return session_.has_value(); }

 private:
  std::optional<Rejection> ReceiveClientAuth(const std::string& message, ReceiveResult* result);
  std::optional<Rejection> ReceiveAuthenticated(const std::string& message, ReceiveResult* result);

  const AdmissionRules* rules_;
  std::string nonce_;
  FrameReader reader_;
  std::optional<Session> session_;  // once authenticated
};

}  // namespace deit::control
