// The little cryptography that the control channel needs. Thread-safe.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::control {

inline constexpr size_t kHmacBytes = 32;

// HMAC-SHA256 (RFC 2104, FIPS 180-4): kHmacBytes that cannot be made without the key.
std::string HmacSha256(absl::string_view key, absl::string_view message);

// The time that it takes says nothing about where the two differ.
bool EqualInConstantTime(absl::string_view a, absl::string_view b);

// From the kernel (getrandom(2)): fit for keys.
std::string RandomBytes(size_t count);

}  // namespace deit::control
