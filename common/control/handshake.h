// Proofs by which the two sides of a connection show each other that they know the job's token, without sending it: each over the nonces of
// both, so that nothing recorded elsewhere is of use. Pure; server_protocol.h and client_protocol.h have the order of the messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::control {

inline constexpr uint32_t kProtocolVersion = 2;
inline constexpr size_t kNonceBytes = 32;

// "the owner speaks protocol 2, the worker 1: both must be of one release of deit".
std::string DescribeVersions(uint32_t owner, uint32_t worker);

// The bytes that a proof covers.
struct Transcript {
  absl::string_view owner_nonce;   // kNonceBytes
  absl::string_view worker_nonce;  // kNonceBytes
  absl::string_view hello;         // a serialized v1::Hello
};

std::string WorkerProof(absl::string_view token, const Transcript& transcript);
std::string OwnerProof(absl::string_view token, const Transcript& transcript);

// The key of the connection's Session.
std::string SessionKey(absl::string_view token, const Transcript& transcript);

}  // namespace deit::control
