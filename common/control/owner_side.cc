#include "common/control/owner_side.h"

#include <utility>
#include <variant>

#include "common/control/handshake.h"
#include "common/control/hmac.h"

namespace deit::control {
OwnerSide::OwnerSide(Expected expected, std::string nonce) : expected_(std::move(expected)), nonce_(std::move(nonce)) {}

std::string OwnerSide::Challenge() const {
  v1::Challenge challenge;
  challenge.set_version(kProtocolVersion);
  challenge.set_nonce(nonce_);
  return EncodeFrame(challenge.SerializeAsString());
}

OwnerSide::Heard OwnerSide::Receive(absl::string_view bytes) {
  Heard heard;
  reader_.Append(bytes);
  while (!heard.refusal) {
    const auto message = reader_.Next();
    if (!message) {
      if (reader_.too_long()) heard.refusal = Refusal::kTooLong;
      break;
    }
    heard.refusal = introduced() ? ReceiveSealed(*message, &heard) : ReceiveIntroduction(*message, &heard);
  }
  return heard;
}

// What a stranger says is not read beyond the fields that the proof needs; above all not its strings, of which protobuf itself complains
// to stderr when they are not UTF-8.
std::optional<Refusal> OwnerSide::ReceiveIntroduction(const std::string& message, Heard* heard) {
  v1::Introduction introduction;
  if (!introduction.ParseFromString(message)) return Refusal::kUnreadable;
  if (introduction.version() != kProtocolVersion) return Refusal::kOtherVersion;
  if (introduction.nonce().size() != kNonceBytes) return Refusal::kUnreadable;
  if (introduction.proof().empty()) return Refusal::kNoToken;
  const Introduced introduced{.owner_nonce = nonce_, .worker_nonce = introduction.nonce(), .hello = introduction.hello()};
  if (!EqualInConstantTime(introduction.proof(), WorkerProof(expected_.token, introduced))) return Refusal::kWrongToken;
  v1::Hello hello;
  if (!hello.ParseFromString(introduction.hello())) return Refusal::kUnreadable;
  if (hello.job() != expected_.job) return Refusal::kOtherJob;
  if (hello.attempt() < 1 || hello.attempt() != expected_.attempt) return Refusal::kOtherAttempt;
  if (hello.worker() < 0 || hello.worker() >= hello.workers()) return Refusal::kUnreadable;
  v1::Welcome welcome;
  welcome.set_proof(OwnerProof(expected_.token, introduced));
  heard->reply = EncodeFrame(welcome.SerializeAsString());
  heard->hello = std::move(hello);
  session_.emplace(SessionKey(expected_.token, introduced), Side::kOwner);
  return std::nullopt;
}

std::optional<Refusal> OwnerSide::ReceiveSealed(const std::string& message, Heard* heard) {
  const auto opened = session_->Open(message);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) return *refusal;
  v1::WorkerMessage said;
  if (!said.ParseFromString(std::get<std::string>(opened)) || said.message_case() == v1::WorkerMessage::MESSAGE_NOT_SET) {
    return Refusal::kUnreadable;
  }
  heard->messages.push_back(std::move(said));
  return std::nullopt;
}

std::string OwnerSide::Farewell(Refusal refusal) const {
  if (introduced()) return {};
  v1::Welcome welcome;
  welcome.set_refusal(CauseOf(refusal));
  return EncodeFrame(welcome.SerializeAsString());
}

}  // namespace deit::control
