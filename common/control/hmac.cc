#include "common/control/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <cerrno>

#include "common/base/status.h"

namespace deit::control {

std::string HmacSha256(absl::string_view key, absl::string_view message) {
  std::string digest(kHmacBytes, '\0');
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  DEIT_CHECK(made != nullptr && size == kHmacBytes);
  return digest;
}

bool EqualInConstantTime(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t done = 0; done < count;) {
    const ssize_t n = ::getrandom(bytes.data() + done, count - done, 0);
    DEIT_CHECK(n > 0 || errno == EINTR, "getrandom fails");
    if (n > 0) done += static_cast<size_t>(n);
  }
  return bytes;
}

}  // namespace deit::control
