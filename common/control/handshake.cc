#include "common/control/handshake.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/control/hmac.h"

namespace deit::control {
namespace {

// No label begins another and the nonces have one length, so equal bytes mean equal parts.
std::string ProofOf(absl::string_view label, absl::string_view token, const Introduced& introduced) {
  DEIT_CHECK(introduced.owner_nonce.size() == kNonceBytes && introduced.worker_nonce.size() == kNonceBytes);
  return HmacSha256(token, absl::StrCat(label, introduced.owner_nonce, introduced.worker_nonce, introduced.hello));
}

}  // namespace

std::string WorkerProof(absl::string_view token, const Introduced& introduced) { return ProofOf("deit worker", token, introduced); }
std::string OwnerProof(absl::string_view token, const Introduced& introduced) { return ProofOf("deit owner", token, introduced); }
std::string SessionKey(absl::string_view token, const Introduced& introduced) { return ProofOf("deit session", token, introduced); }

}  // namespace deit::control
