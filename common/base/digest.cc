#include "common/base/digest.h"

#include <xxhash.h>

#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace deit {

struct DigestStream::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  ~State() { XXH3_freeState(xxh3); }
};

uint64_t Digest64(const void* data, size_t size) { return XXH3_64bits(data, size); }

std::string DigestHex(uint64_t digest) { return absl::StrFormat("%016x", digest); }

bool ParseDigestHex(const std::string& text, uint64_t* digest) {
  if (text.size() != 16) return false;
  uint64_t value = 0;
  for (char c : text) {
    if (c >= '0' && c <= '9') value = value << 4 | static_cast<uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f') value = value << 4 | static_cast<uint64_t>(c - 'a' + 10);
    else return false;
  }
  *digest = value;
  return true;
}

DigestStream::DigestStream() : state_(std::make_unique<State>()) { DEIT_CHECK(XXH3_64bits_reset(state_->xxh3) == XXH_OK); }
DigestStream::~DigestStream() = default;
DigestStream::DigestStream(DigestStream&&) noexcept = default;
DigestStream& DigestStream::operator=(DigestStream&&) noexcept = default;

void DigestStream::Update(const void* data, size_t size) { DEIT_CHECK(XXH3_64bits_update(state_->xxh3, data, size) == XXH_OK); }

uint64_t DigestStream::Value() const { return XXH3_64bits_digest(state_->xxh3); }

}  // namespace deit
