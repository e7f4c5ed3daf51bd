#include "common/dataset/listing_cache.h"

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/fake_clock.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

namespace fs = std::filesystem;
using ::deit::testing::ReadFile;
using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;

class ListingCacheTest : public ::testing::Test {
 protected:
  ListingCacheTest() {
    fs::create_directories(root_ / "train");
    WriteFile(root_ / "x.tar", "content");
    Age("train");
    Age("x.tar");
  }
  // As if it had been modified `minutes` ago.
  void Age(const std::string& name, int minutes = 10) {
    fs::last_write_time(root_ / name, fs::file_time_type::clock::now() - std::chrono::minutes(minutes));
  }
  // Asks once; whether it was listed again.
  bool Lists() {
    const int before = listed_;
    const auto stored = KeptListing(
        folder_, root_.path(), "TEST.train", [this] { return List(); }, clock_);
    EXPECT_TRUE(stored.ok()) << stored.status();
    if (!stored.ok()) return true;
    EXPECT_EQ(stored->listing.path(0), "train/a.jpg");
    EXPECT_EQ(stored->fingerprint, FingerprintOf(stored->listing));
    return listed_ > before;
  }
  absl::StatusOr<Listing> List() {
    ++listed_;
    Listing listing;
    for (const char* name : {"train", "x.tar"}) {
      DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), ContainerOf(root_.path(), name));
    }
    DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), ContainerOrAbsence(root_.path(), "names.txt"));
    listing.Add(0, "a.jpg", 0, 0, 7);
    clock_.Sleep(listing_takes_);
    return listing;
  }

  const TempFolder root_, kept_;
  std::string folder_ = kept_ / "indexes";
  std::atomic<int> listed_ = 0;
  testing::FakeClock clock_{absl::Now()};
  absl::Duration listing_takes_ = absl::ZeroDuration();
};

TEST_F(ListingCacheTest, IsMadeOnceAndAgainWhenAContainerHasAnotherTimeOrSize) {
  EXPECT_TRUE(Lists());
  EXPECT_FALSE(Lists());
  Age("train", 9);
  EXPECT_TRUE(Lists());
  EXPECT_FALSE(Lists());
  Age("x.tar", 9);
  EXPECT_TRUE(Lists()) << "another time alone";
  EXPECT_FALSE(Lists());
  const auto time = fs::last_write_time(root_ / "x.tar");
  WriteFile(root_ / "x.tar", "content that is longer");
  fs::last_write_time(root_ / "x.tar", time);
  EXPECT_TRUE(Lists()) << "another size alone, as cp -p and rsync -t leave it";
  EXPECT_FALSE(Lists());
}

TEST_F(ListingCacheTest, WhatWasModifiedJustNowIsNotKept) {
  fs::last_write_time(root_ / "train", fs::file_time_type::clock::now());
  EXPECT_TRUE(Lists());
  EXPECT_TRUE(Lists());
}

TEST_F(ListingCacheTest, WhatWasModifiedJustBeforeALongListingIsNotKept) {
  fs::last_write_time(root_ / "train", fs::file_time_type::clock::now());
  listing_takes_ = absl::Minutes(5);
  EXPECT_TRUE(Lists());
  EXPECT_TRUE(Lists());
}

TEST_F(ListingCacheTest, WhatDidNotExistEndsTheListWhenItComes) {
  EXPECT_TRUE(Lists());
  EXPECT_FALSE(Lists());
  WriteFile(root_ / "names.txt", "");
  Age("names.txt");
  Age("train");
  EXPECT_TRUE(Lists());
  EXPECT_FALSE(Lists());
  fs::remove(root_ / "names.txt");
  EXPECT_TRUE(Lists());
}

TEST_F(ListingCacheTest, AVanishedContainerAndABrokenFileAreListedAnew) {
  EXPECT_TRUE(Lists());
  for (const auto& file : fs::directory_iterator(folder_)) WriteFile(file.path().string(), "broken");
  EXPECT_TRUE(Lists());
  EXPECT_FALSE(Lists());
  for (const auto& file : fs::directory_iterator(folder_)) {  // as an earlier version left it, which knew fewer endings
    if (file.path().extension() == ".index") WriteFile(file.path().string(), ReadFile(file.path().string()).replace(7, 1, "1"));
  }
  EXPECT_TRUE(Lists());
  EXPECT_FALSE(Lists());
  fs::remove(root_ / "x.tar");
  EXPECT_TRUE(absl::IsNotFound(KeptListing(folder_, root_.path(), "TEST.train", [this] { return List(); }).status()));
}

TEST_F(ListingCacheTest, WithoutAFolderNothingIsKeptAndNothingFails) {
  folder_ = "";
  EXPECT_TRUE(Lists());
  EXPECT_TRUE(Lists());
  folder_ = "/proc/nowhere";
  EXPECT_TRUE(Lists());
}

TEST_F(ListingCacheTest, ManyWhoAskAtOnceListOnce) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) threads.emplace_back([this] { Lists(); });
  threads.clear();
  EXPECT_EQ(listed_, 1);
}

TEST_F(ListingCacheTest, AnotherRootOfTheSameNameIsAnother) {
  EXPECT_TRUE(Lists());
  const TempFolder other;
  int listed = 0;
  const auto stored = KeptListing(folder_, other.path(), "TEST.train", [&]() -> absl::StatusOr<Listing> {
    ++listed;
    return Listing();
  });
  EXPECT_TRUE(stored.ok() && listed == 1);
}

}  // namespace
}  // namespace deit::dataset
