#include <cstring>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/dataset/listing_file.h"
#include "tests/fuzz/fuzz_target.h"

// An index file whose digest is made right, since nothing behind a wrong one is ever looked at.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMagicBytes = 8, kDigestEnd = 16;
  std::string bytes = deit::testing::Content(data, size);
  if (size >= kDigestEnd) {
    const uint64_t digest = deit::Digest64(bytes.data() + kDigestEnd, size - kDigestEnd);
    std::memcpy(bytes.data() + kMagicBytes, &digest, sizeof(digest));
  }
  const auto stored = deit::dataset::DecodeListing(bytes);
  if (!stored.ok()) return 0;
  const deit::dataset::Listing& listing = stored->listing;
  for (size_t i = 0; i < listing.entries.size(); ++i) DEIT_CHECK(listing.path(i).size() <= size, "image ", i);
  return 0;
}
