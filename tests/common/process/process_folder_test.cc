#include "common/process/process_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/child_process.h"
#include "tests/support/temp_folder.h"

namespace deit::process {
namespace {

namespace fs = std::filesystem;

size_t Entries(const std::string& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// Leaves a folder behind as a killed process does.
void MakeInKilledProcess(const std::string& parent, const std::string& job) {
  testing::RunChild([&] {
    const auto folder = ProcessFolder::Make(parent, job);
    std::ofstream(folder->path() + "/segment") << "x";
    _exit(9);
  });
}

TEST(ProcessFolderTest, IsRemovedWithItsContents) {
  const testing::TempFolder parent;
  {
    const auto folder = ProcessFolder::Make(parent.path(), "3fa91c20");
    ASSERT_TRUE(folder.ok()) << folder.status();
    std::ofstream(folder->path() + "/segment") << "x";
    EXPECT_EQ(fs::status(folder->path()).permissions(), fs::perms::owner_all);
    EXPECT_EQ(Entries(parent.path()), 1U);
  }
  EXPECT_EQ(Entries(parent.path()), 0U);
}

TEST(ProcessFolderTest, HidesAndRestoresItsFilesNames) {
  const testing::TempFolder parent;
  auto folder = ProcessFolder::Make(parent.path(), "job");
  const std::string segment = folder->path() + "/segment";
  std::ofstream(segment) << "x";
  folder->Hide();
  EXPECT_EQ(Entries(parent.path()), 0U);
  folder->Restore();
  EXPECT_TRUE(fs::exists(segment));
  EXPECT_EQ(fs::file_size(segment), 0U);
}

TEST(ProcessFolderTest, ADeadProcessesFolderOfTheSameJobIsSwept) {
  const testing::TempFolder parent;
  MakeInKilledProcess(parent.path(), "job");
  MakeInKilledProcess(parent.path(), "job");
  const auto alive = ProcessFolder::Make(parent.path(), "job");
  EXPECT_EQ(SweepDeadFolders(parent.path(), "job"), 2);
  EXPECT_EQ(Entries(parent.path()), 1U);
  EXPECT_TRUE(fs::exists(alive->path()));
}

TEST(ProcessFolderTest, DeadProcessesFoldersOfAnyJobAreSwept) {
  const testing::TempFolder parent;
  MakeInKilledProcess(parent.path(), "job");
  MakeInKilledProcess(parent.path(), "another-job");
  const auto alive = ProcessFolder::Make(parent.path(), "third");
  EXPECT_EQ(SweepDeadFolders(parent.path(), ""), 2);
  EXPECT_TRUE(fs::exists(alive->path()));
}

TEST(ProcessFolderTest, WhatBelongsToOthersIsLeftAlone) {
  const testing::TempFolder parent;
  MakeInKilledProcess(parent.path(), "job-2");  // its name begins like job's
  const std::string uid = std::to_string(getuid());
  fs::create_directory(parent / ("deit-" + uid + "-job-1-999999999-5"));  // another process-id namespace
  fs::create_directory(parent / ("deit-" + uid + "-job-x-y-z"));
  fs::create_directory(parent / ("deit-" + uid + "-job-"));
  fs::create_directory(parent / "vader");
  EXPECT_EQ(SweepDeadFolders(parent.path(), "job"), 0);
  EXPECT_EQ(Entries(parent.path()), 5U);
  EXPECT_EQ(SweepDeadFolders("/no/such/folder", "job"), 0);
}

TEST(ProcessFolderTest, RefusesAJobThatIsNoName) {
  EXPECT_EQ(ProcessFolder::Make("/tmp", "../x").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ProcessFolder::Make("/tmp", "").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ProcessFolder::Make("/no/such/folder", "job").status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace deit::process
