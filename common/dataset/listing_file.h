// Encoding of a directory listing as an index file. docs/formats.md has the format. Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/dataset/listing.h"

namespace deit::dataset {

struct StoredListing {
  std::string root;          // real path of data.root
  uint64_t fingerprint = 0;  // of all images
  Listing listing;
};

std::string EncodeListing(const StoredListing& stored);

// DataLoss with the cause for anything that EncodeListing did not write: cut off, changed, of another version, or with numbers that point
// nowhere.
absl::StatusOr<StoredListing> DecodeListing(absl::string_view bytes);

}  // namespace deit::dataset
