// Cache of directory listings across runs: walking a million files takes minutes on a cold disk.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/dataset/listing_file.h"

namespace deit::dataset {

// The listing of `root` under the name `kind` ("IMAGE_FOLDER.train"). It is read from `folder` if it stands there and no container has
// changed since (by time of modification, and size of a file); else `list` creates it, and it is stored. Of several processes that ask at once
// one lists, the others wait for it. A list is not kept where a container was modified later than two seconds before the listing began: a
// later change could leave the same time.
// `folder` empty, or one that cannot be made: nothing is kept. A broken file in it, or none that can be written, is said and costs the time only. An image
// that was overwritten in place leaves its folder's time as it was: that is seen by its own time, where it is read (worker/data). Errors: those of `list`.
absl::StatusOr<StoredListing> KeptListing(const std::string& folder, const std::string& root, const std::string& kind,
                                          const std::function<absl::StatusOr<Listing>()>& list, Clock& clock = Clock::System());

// root/relative as it is now. Errors: the seam's, beginning with "data.root".
absl::StatusOr<Container> ContainerOf(const std::string& root, const std::string& relative);
// The same; what does not exist is an absent one.
absl::StatusOr<Container> ContainerOrAbsence(const std::string& root, const std::string& relative);

// xxh3-64 over path, bytes and label of all images in order: what Index::fingerprint promises.
uint64_t FingerprintOf(const Listing& listing);

}  // namespace deit::dataset
