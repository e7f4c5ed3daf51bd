#include "common/control/server_protocol.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"

namespace deit::control {

ServerProtocol::ServerProtocol(const AdmissionRules* rules, std::string nonce) : rules_(rules), nonce_(std::move(nonce)) {}

std::string ServerProtocol::Challenge() const {
  v1::Challenge challenge;
  challenge.set_version(kProtocolVersion);
  challenge.set_nonce(nonce_);
  return EncodeFrame(challenge.SerializeAsString());
}

ServerProtocol::ReceiveResult ServerProtocol::Receive(absl::string_view bytes) {
  ReceiveResult result;
  reader_.Append(bytes);
  while (!result.rejection) {
    const auto message = reader_.Next();
    if (!message) {
      if (reader_.too_long()) result.rejection = Rejection{RejectionCause::kTooLong};
      break;
    }
    result.rejection = authenticated() ? ReceiveAuthenticated(*message, &result) : ReceiveClientAuth(*message, &result);
  }
  return result;
}

// Of a stranger only the fields that the proof needs are read; above all not its strings, since protobuf itself complains to stderr when they
// are not UTF-8.
std::optional<Rejection> ServerProtocol::ReceiveClientAuth(const std::string& message, ReceiveResult* result) {
  v1::ClientAuth auth;
  if (!auth.ParseFromString(message)) return Rejection{RejectionCause::kMalformed};
  if (auth.version() != kProtocolVersion)
    return Rejection{RejectionCause::kOtherVersion, DescribeVersions(kProtocolVersion, auth.version())};
  if (auth.nonce().size() != kNonceBytes) return Rejection{RejectionCause::kMalformed};
  if (auth.proof().empty()) return Rejection{RejectionCause::kNoToken};
  const Transcript transcript{.owner_nonce = nonce_, .worker_nonce = auth.nonce(), .hello = auth.hello()};
  if (!EqualInConstantTime(auth.proof(), WorkerProof(rules_->token, transcript))) return Rejection{RejectionCause::kWrongToken};
  v1::Hello hello;
  if (!hello.ParseFromString(auth.hello())) return Rejection{RejectionCause::kMalformed};
  if (auto rejection = CheckAdmission(*rules_, hello)) return rejection;
  v1::ServerAuth reply;
  reply.set_proof(OwnerProof(rules_->token, transcript));
  result->reply = EncodeFrame(reply.SerializeAsString());
  result->hello = std::move(hello);
  session_.emplace(SessionKey(rules_->token, transcript), Side::kOwner);
  return std::nullopt;
}

std::optional<Rejection> ServerProtocol::ReceiveAuthenticated(const std::string& message, ReceiveResult* result) {
  const auto body = session_->Open(message);
  if (const auto* cause = std::get_if<RejectionCause>(&body)) return Rejection{*cause};
  v1::WorkerMessage received;
  if (!received.ParseFromString(std::get<std::string>(body)) || received.message_case() == v1::WorkerMessage::MESSAGE_NOT_SET) {
    return Rejection{RejectionCause::kMalformed};
  }
  result->messages.push_back(std::move(received));
  return std::nullopt;
}

std::string ServerProtocol::Encode(const v1::OwnerMessage& message) {
  DEIT_CHECK(authenticated());
  return EncodeFrame(session_->Seal(message.SerializeAsString()));
}

std::string ServerProtocol::RejectionFrame(const Rejection& rejection) const {
  if (authenticated()) return {};
  v1::ServerAuth reply;
  reply.set_rejection(Describe(rejection));
  return EncodeFrame(reply.SerializeAsString());
}

}  // namespace deit::control
