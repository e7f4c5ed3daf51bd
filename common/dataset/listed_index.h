// Index over a directory listing: IMAGE_FOLDER and TAR.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/dataset/index.h"
#include "common/dataset/listing_file.h"

namespace deit::dataset {

// How many images of `listing` a job uses: data.max_images of the training ones, or all.
inline int64_t CountOf(const v1::JobSpec& spec, Split split, const Listing& listing) {
  const auto all = static_cast<int64_t>(listing.entries.size());
  const int64_t most = split == Split::kTrain ? spec.data().max_images() : 0;
  return most > 0 ? std::min(most, all) : all;
}

class ListedIndex final : public Index {
 public:
  // The first `count` images of `stored`, at least one; classes beyond its own are named by their numbers.
  ListedIndex(Split split, StoredListing stored, int64_t count, int num_classes)
      : split_(split), count_(count), fingerprint_(stored.fingerprint), listing_(std::move(stored.listing)) {
    for (int c = static_cast<int>(listing_.classes.size()); c < num_classes; ++c) listing_.classes.push_back(absl::StrCat(c));
  }

  Split split() const override { return split_; }
  int64_t size() const override { return count_; }
  int32_t label(int64_t i) const override { return entry(i).label; }
  std::string path(int64_t i) const override { return listing_.path(static_cast<size_t>(i)); }
  int64_t bytes(int64_t i) const override { return static_cast<int64_t>(entry(i).bytes); }
  const std::vector<std::string>& classes() const override { return listing_.classes; }
  Place place(int64_t i) const override {
    const Container& container = listing_.containers[entry(i).container];
    if (container.bytes == 0) return {path(i), 0, bytes(i), entry(i).modified_ns};
    return {container.path, static_cast<int64_t>(entry(i).offset), container.bytes, container.modified_ns};
  }
  uint64_t fingerprint() const override {
    return count_ == static_cast<int64_t>(listing_.entries.size()) ? fingerprint_ : Index::fingerprint();
  }

 private:
  const Entry& entry(int64_t i) const { return listing_.entries[static_cast<size_t>(i)]; }

  const Split split_;
  const int64_t count_;
  const uint64_t fingerprint_;
  Listing listing_;
};

}  // namespace deit::dataset
