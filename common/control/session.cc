#include "common/control/session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/control/hmac.h"
#include "proto/control.pb.h"

namespace deit::control {
namespace {

// A message cannot be sent back to its sender: the seal covers who sent it.
std::string SealOf(absl::string_view key, Side sender, uint64_t counter, absl::string_view body) {
  std::string covered = sender == Side::kOwner ? "owner" : "worker";
  for (int shift = 56; shift >= 0; shift -= 8) covered.push_back(static_cast<char>(counter >> shift & 0xff));
  absl::StrAppend(&covered, body);
  return HmacSha256(key, covered);
}

Side Other(Side side) { return side == Side::kOwner ? Side::kWorker : Side::kOwner; }

}  // namespace

Session::Session(std::string key, Side side) : key_(std::move(key)), side_(side) {}

std::string Session::Seal(absl::string_view body) {
  v1::Sealed sealed;
  sealed.set_counter(sent_);
  sealed.set_body(std::string(body));
  sealed.set_seal(SealOf(key_, side_, sent_, body));
  ++sent_;
  return sealed.SerializeAsString();
}

std::variant<std::string, Refusal> Session::Open(const std::string& bytes) {
  v1::Sealed sealed;
  if (!sealed.ParseFromString(bytes)) return Refusal::kUnreadable;
  if (!EqualInConstantTime(sealed.seal(), SealOf(key_, Other(side_), sealed.counter(), sealed.body()))) return Refusal::kWrongSeal;
  if (sealed.counter() < opened_) return Refusal::kReplayed;
  if (sealed.counter() > opened_) return Refusal::kSkipped;
  ++opened_;
  return std::move(*sealed.mutable_body());
}

}  // namespace deit::control
