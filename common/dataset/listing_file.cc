#include "common/dataset/listing_file.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "proto/dataset_index.pb.h"

namespace deit::dataset {
namespace {

// Its last digit counts up when a listing would come out otherwise, too: 2 knows BMP, TIFF and WebP; 3 has times
// of files, and refuses missing entries and torn shards.
constexpr absl::string_view kMagic = "DEITIDX3";
constexpr size_t kDigestEnd = kMagic.size() + sizeof(uint64_t);  // the digest is of what follows it
constexpr size_t kPrefix = kDigestEnd + sizeof(uint64_t);        // and the head's length

uint64_t DigestOf(absl::string_view bytes) { return Digest64(bytes.data(), bytes.size()); }

void AppendNumber(std::string* out, uint64_t number) { out->append(reinterpret_cast<const char*>(&number), sizeof(number)); }

uint64_t NumberAt(absl::string_view bytes, size_t at) {
  uint64_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

Status Broken(absl::string_view cause) { return absl::DataLossError(absl::StrCat("not an index file: ", cause)); }

Status CheckEntries(const Listing& listing) {
  uint64_t begin = 0;
  for (const Entry& entry : listing.entries) {
    if (entry.name_begin < begin || entry.name_begin > listing.names.size()) return Broken("a name points nowhere");
    begin = entry.name_begin;
    if (entry.container >= listing.containers.size()) return Broken("a container points nowhere");
    if (entry.label < 0) return Broken("a label below 0");
    constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
    if (entry.offset > kMost || entry.bytes > kMost - entry.offset) return Broken("an image beyond 63 bits");
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeListing(const StoredListing& stored) {
  const Listing& listing = stored.listing;
  v1::DatasetIndexHead head;
  head.set_root(stored.root);
  head.set_fingerprint(stored.fingerprint);
  for (const std::string& name : listing.classes) head.add_classes(name);
  for (const Container& container : listing.containers) {
    v1::IndexContainer* out = head.add_containers();
    out->set_path(container.path);
    out->set_modified_ns(container.modified_ns);
    out->set_bytes(container.bytes);
    if (container.is_absent) out->set_is_absent(true);
  }
  head.set_images(listing.entries.size());
  const std::string head_bytes = head.SerializeAsString();
  std::string rest;
  rest.reserve(sizeof(uint64_t) + head_bytes.size() + listing.entries.size() * sizeof(Entry) + listing.names.size());
  AppendNumber(&rest, head_bytes.size());
  rest += head_bytes;
  rest.append(reinterpret_cast<const char*>(listing.entries.data()), listing.entries.size() * sizeof(Entry));
  rest += listing.names;
  std::string bytes(kMagic);
  AppendNumber(&bytes, DigestOf(rest));
  return bytes + rest;
}

absl::StatusOr<StoredListing> DecodeListing(absl::string_view bytes) {
  if (bytes.size() < kPrefix) return Broken("truncated");
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    const bool other_version = bytes.substr(0, kMagic.size() - 1) == kMagic.substr(0, kMagic.size() - 1);
    return other_version ? absl::DataLossError("an index file of another version") : Broken("another beginning");
  }
  if (NumberAt(bytes, kMagic.size()) != DigestOf(bytes.substr(kDigestEnd))) return Broken("its digest is another");
  const uint64_t head_bytes = NumberAt(bytes, kDigestEnd);
  bytes.remove_prefix(kPrefix);
  v1::DatasetIndexHead head;
  if (head_bytes > std::min<uint64_t>(bytes.size(), std::numeric_limits<int>::max()) ||
      !head.ParseFromArray(bytes.data(), static_cast<int>(head_bytes))) {
    return Broken("its head cannot be read");
  }
  bytes.remove_prefix(head_bytes);
  if (head.images() > bytes.size() / sizeof(Entry)) return Broken("images are missing");
  StoredListing stored{head.root(), head.fingerprint(), {}};
  stored.listing.classes.assign(head.classes().begin(), head.classes().end());
  for (const v1::IndexContainer& container : head.containers()) {
    stored.listing.containers.push_back({container.path(), container.modified_ns(), container.bytes(), container.is_absent()});
  }
  stored.listing.entries.resize(head.images());
  if (head.images() > 0) std::memcpy(stored.listing.entries.data(), bytes.data(), head.images() * sizeof(Entry));
  bytes.remove_prefix(head.images() * sizeof(Entry));
  stored.listing.names = std::string(bytes);
  DEIT_RETURN_IF_ERROR(CheckEntries(stored.listing));
  return stored;
}

}  // namespace deit::dataset
