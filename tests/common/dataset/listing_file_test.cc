#include "common/dataset/listing_file.h"

#include <gtest/gtest.h>

namespace deit::dataset {
namespace {

StoredListing Some() {
  StoredListing stored{"/data", 0x1234567890abcdef, {}};
  stored.listing.classes = {"cat", "dog"};
  stored.listing.containers = {{"train", 17, 0}, {"train/1.tar", -5, 1 << 20}, {.path = "classes.txt", .is_absent = true}};
  stored.listing.Add(1, "a.jpg", 1, 512, 99);
  stored.listing.Add(1, "", 0, 1024, 0);
  stored.listing.Add(0, "longer name.png", 1, 0, 7, 1'700'000'000'000'000'000);
  return stored;
}

TEST(ListingFileTest, WhatWasWrittenIsRead) {
  const auto read = DecodeListing(EncodeListing(Some()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->root, "/data");
  EXPECT_EQ(read->fingerprint, 0x1234567890abcdef);
  EXPECT_EQ(read->listing.classes, Some().listing.classes);
  EXPECT_EQ(read->listing.containers, Some().listing.containers);
  EXPECT_EQ(read->listing.entries, Some().listing.entries);
  EXPECT_EQ(read->listing.path(0), "train/1.tar/a.jpg");
  EXPECT_EQ(read->listing.path(2), "train/longer name.png");
  EXPECT_TRUE(DecodeListing(EncodeListing({})).ok());
}

TEST(ListingFileTest, EachBitAndEachEndCounts) {
  const std::string good = EncodeListing(Some());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(DecodeListing(good.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
    std::string flipped = good;
    flipped[size] = static_cast<char>(flipped[size] ^ 1);
    EXPECT_EQ(DecodeListing(flipped).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_FALSE(DecodeListing(good + "x").ok());
}

TEST(ListingFileTest, SaysWhenItIsOfAnotherVersion) {
  std::string older = EncodeListing(Some());
  older[7] = '1';
  EXPECT_EQ(DecodeListing(older).status().message(), "an index file of another version");
  EXPECT_EQ(DecodeListing("PNG" + older).status().message(), "not an index file: another beginning");
}

TEST(ListingFileTest, NumbersThatPointNowhereAreRefusedThoughTheDigestHolds) {
  const auto refuse = [](const std::function<void(Listing&)>& lie) {
    StoredListing stored = Some();
    lie(stored.listing);
    EXPECT_EQ(DecodeListing(EncodeListing(stored)).status().code(), absl::StatusCode::kDataLoss);
  };
  refuse([](Listing& l) { l.entries[0].container = 3; });
  refuse([](Listing& l) { l.entries[2].label = -1; });
  refuse([](Listing& l) {
    l.entries[1].name_begin = 3;
    l.entries[0].name_begin = 4;
  });
  refuse([](Listing& l) { l.entries[2].name_begin = 1000; });
  refuse([](Listing& l) { l.entries[0].offset = ~uint64_t{0}; });
  refuse([](Listing& l) { l.entries[0].bytes = uint64_t{1} << 63; });
}

}  // namespace
}  // namespace deit::dataset
