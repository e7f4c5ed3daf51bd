#include "common/control/worker_side.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"

namespace deit::control {
namespace {

Status Unreadable(absl::string_view what) { return absl::DataLossError(absl::StrCat("owner: says what is no ", what)); }

// Nobody has proved anything yet: what goes into a log is short and printable.
Status Refused(absl::string_view cause) {
  constexpr size_t kMaxBytes = 100;
  return absl::PermissionDeniedError(absl::StrCat("owner: refuses this worker: ", absl::CHexEscape(cause.substr(0, kMaxBytes))));
}

}  // namespace

WorkerSide::WorkerSide(const v1::Hello& hello, std::string token, std::string nonce)
    : hello_(hello.SerializeAsString()), token_(std::move(token)), nonce_(std::move(nonce)) {}

StatusOr<std::string> WorkerSide::Receive(absl::string_view bytes) {
  std::string reply;
  reader_.Append(bytes);
  while (const auto message = reader_.Next()) {
    if (welcome()) return Unreadable("message of this version");
    if (owner_nonce_) {
      DEIT_RETURN_IF_ERROR(ReceiveWelcome(*message));
    } else {
      DEIT_ASSIGN_OR_RETURN(reply, ReceiveChallenge(*message));
    }
  }
  if (reader_.too_long()) return Unreadable("frame: it is too long");
  return reply;
}

// An owner of another version gets an introduction that says only this worker's, so that both sides can say what is wrong.
StatusOr<std::string> WorkerSide::ReceiveChallenge(const std::string& message) {
  v1::Challenge challenge;
  if (!challenge.ParseFromString(message)) return Unreadable("challenge");
  v1::Introduction introduction;
  introduction.set_version(kProtocolVersion);
  owner_nonce_ = "";
  if (challenge.version() == kProtocolVersion) {
    if (challenge.nonce().size() != kNonceBytes) return Unreadable("challenge");
    owner_nonce_ = challenge.nonce();
    introduction.set_nonce(nonce_);
    introduction.set_hello(hello_);
    introduction.set_proof(WorkerProof(token_, {.owner_nonce = *owner_nonce_, .worker_nonce = nonce_, .hello = hello_}));
  }
  return EncodeFrame(introduction.SerializeAsString());
}

Status WorkerSide::ReceiveWelcome(const std::string& message) {
  v1::Welcome welcome;
  if (!welcome.ParseFromString(message)) return Unreadable("welcome");
  if (!welcome.refusal().empty()) return Refused(welcome.refusal());
  if (owner_nonce_->empty()) return Unreadable("refusal, though it speaks another version");
  const Introduced introduced{.owner_nonce = *owner_nonce_, .worker_nonce = nonce_, .hello = hello_};
  if (!EqualInConstantTime(welcome.proof(), OwnerProof(token_, introduced))) {
    return absl::PermissionDeniedError("owner: does not know the job's token");
  }
  session_.emplace(SessionKey(token_, introduced), Side::kWorker);
  return absl::OkStatus();
}

std::string WorkerSide::Tell(const v1::WorkerMessage& message) {
  DEIT_CHECK(welcome());
  return EncodeFrame(session_->Seal(message.SerializeAsString()));
}

}  // namespace deit::control
