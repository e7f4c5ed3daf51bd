// How the two sides of a connection prove to each other that they know the job's token, without sending it: each over the nonces of
// both, so that nothing recorded elsewhere is of use. Pure; owner_side.h and worker_side.h say who sends what when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::control {

inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr size_t kNonceBytes = 32;

// What a proof covers.
struct Introduced {
  absl::string_view owner_nonce;   // kNonceBytes
  absl::string_view worker_nonce;  // kNonceBytes
  absl::string_view hello;         // a serialized v1::Hello
};

std::string WorkerProof(absl::string_view token, const Introduced& introduced);
std::string OwnerProof(absl::string_view token, const Introduced& introduced);

// The key of the connection's Session.
std::string SessionKey(absl::string_view token, const Introduced& introduced);

}  // namespace deit::control
