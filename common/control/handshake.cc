#include "common/control/handshake.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/control/hmac.h"

namespace deit::control {
namespace {

// No label is the prefix of another and the nonces have one length, so equal bytes mean equal parts.
std::string LabeledHmac(absl::string_view label, absl::string_view token, const Transcript& transcript) {
  DEIT_CHECK(transcript.owner_nonce.size() == kNonceBytes && transcript.worker_nonce.size() == kNonceBytes);
  return HmacSha256(token, absl::StrCat(label, transcript.owner_nonce, transcript.worker_nonce, transcript.hello));
}

}  // namespace

std::string DescribeVersions(uint32_t owner, uint32_t worker) {
  return absl::StrCat("the owner speaks protocol ", owner, ", the worker ", worker, ": both must be of one release of deit");
}

std::string WorkerProof(absl::string_view token, const Transcript& transcript) { return LabeledHmac("deit worker", token, transcript); }
std::string OwnerProof(absl::string_view token, const Transcript& transcript) { return LabeledHmac("deit owner", token, transcript); }
std::string SessionKey(absl::string_view token, const Transcript& transcript) { return LabeledHmac("deit session", token, transcript); }

}  // namespace deit::control
