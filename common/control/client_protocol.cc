#include "common/control/client_protocol.h"

#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"

namespace deit::control {
namespace {

Status Malformed(absl::string_view what) { return absl::DataLossError(absl::StrCat("owner: malformed ", what)); }

// The peer has proved nothing yet: what goes into a log is short and printable.
Status Rejected(absl::string_view reason) {
  constexpr size_t kMaxBytes = 200;
  return absl::PermissionDeniedError(absl::StrCat("owner: rejects this worker: ", absl::CHexEscape(reason.substr(0, kMaxBytes))));
}

}  // namespace

ClientProtocol::ClientProtocol(const v1::Hello& hello, std::string token, std::string nonce)
    : hello_(hello.SerializeAsString()), token_(std::move(token)), nonce_(std::move(nonce)) {}

StatusOr<ClientProtocol::ReceiveResult> ClientProtocol::Receive(absl::string_view bytes) {
  ReceiveResult result;
  reader_.Append(bytes);
  while (const auto message = reader_.Next()) {
    if (authenticated()) {
      DEIT_ASSIGN_OR_RETURN(result.messages.emplace_back(), ReceiveAuthenticated(*message));
    } else if (challenge_) {
      DEIT_RETURN_IF_ERROR(ReceiveServerAuth(*message));
    } else {
      DEIT_ASSIGN_OR_RETURN(result.reply, ReceiveChallenge(*message));
    }
  }
  if (reader_.too_long()) return Malformed("frame: longer than allowed");
  return result;
}

// An owner of another version gets only the version of this worker, so that it can count and name the difference.
StatusOr<std::string> ClientProtocol::ReceiveChallenge(const std::string& message) {
  v1::Challenge challenge;
  if (!challenge.ParseFromString(message)) return Malformed("challenge");
  v1::ClientAuth auth;
  auth.set_version(kProtocolVersion);
  if (challenge.version() == kProtocolVersion) {
    if (challenge.nonce().size() != kNonceBytes) return Malformed("challenge");
    auth.set_nonce(nonce_);
    auth.set_hello(hello_);
    auth.set_proof(WorkerProof(token_, {.owner_nonce = challenge.nonce(), .worker_nonce = nonce_, .hello = hello_}));
  }
  challenge_ = std::move(challenge);
  return EncodeFrame(auth.SerializeAsString());
}

Status ClientProtocol::ReceiveServerAuth(const std::string& message) {
  if (challenge_->version() != kProtocolVersion) {  // it can say nothing else than that
    return Rejected(absl::StrCat("another version: ", DescribeVersions(challenge_->version(), kProtocolVersion)));
  }
  v1::ServerAuth auth;
  if (!auth.ParseFromString(message)) return Malformed("proof");
  if (!auth.rejection().empty()) return Rejected(auth.rejection());
  const Transcript transcript{.owner_nonce = challenge_->nonce(), .worker_nonce = nonce_, .hello = hello_};
  if (!EqualInConstantTime(auth.proof(), OwnerProof(token_, transcript))) {
    return absl::PermissionDeniedError("owner: does not know the job's token");
  }
  session_.emplace(SessionKey(token_, transcript), Side::kWorker);
  return absl::OkStatus();
}

StatusOr<v1::OwnerMessage> ClientProtocol::ReceiveAuthenticated(const std::string& message) {
  const auto body = session_->Open(message);
  if (const auto* cause = std::get_if<RejectionCause>(&body)) return absl::DataLossError(absl::StrCat("owner: ", ToString(*cause)));
  v1::OwnerMessage received;
  if (!received.ParseFromString(std::get<std::string>(body)) || received.message_case() == v1::OwnerMessage::MESSAGE_NOT_SET) {
    return Malformed("message");
  }
  return received;
}

std::string ClientProtocol::Encode(const v1::WorkerMessage& message) {
  DEIT_CHECK(authenticated());
  return EncodeFrame(session_->Seal(message.SerializeAsString()));
}

}  // namespace deit::control
