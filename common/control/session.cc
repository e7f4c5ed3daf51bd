#include "common/control/session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/control/hmac.h"
#include "proto/control.pb.h"

namespace deit::control {
namespace {

// A message cannot be sent back to its sender: the MAC covers the sender.
std::string MacOf(absl::string_view key, Side sender, uint64_t counter, absl::string_view body) {
  std::string covered = sender == Side::kOwner ? "owner" : "worker";
  for (int shift = 56; shift >= 0; shift -= 8) covered.push_back(static_cast<char>(counter >> shift & 0xff));
  absl::StrAppend(&covered, body);
  return HmacSha256(key, covered);
}

Side Other(Side side) { return side == Side::kOwner ? Side::kWorker : Side::kOwner; }

}  // namespace

Session::Session(std::string key, Side side) : key_(std::move(key)), side_(side) {}

std::string Session::Seal(absl::string_view body) {
  v1::AuthenticatedFrame frame;
  frame.set_counter(sent_);
  frame.set_body(std::string(body));
  frame.set_mac(MacOf(key_, side_, sent_, body));
  ++sent_;
  return frame.SerializeAsString();
}

std::variant<std::string, RejectionCause> Session::Open(const std::string& bytes) {
  v1::AuthenticatedFrame frame;
  if (!frame.ParseFromString(bytes)) return RejectionCause::kMalformed;
  if (!EqualInConstantTime(frame.mac(), MacOf(key_, Other(side_), frame.counter(), frame.body()))) return RejectionCause::kWrongMac;
  if (frame.counter() < opened_) return RejectionCause::kReplayed;
  if (frame.counter() > opened_) return RejectionCause::kSkipped;
  ++opened_;
  return std::move(*frame.mutable_body());
}

}  // namespace deit::control
