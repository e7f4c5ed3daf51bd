#include "common/files/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/crash_file_system.h"

namespace deit::files {
namespace {

using testing::Crash;
using testing::CrashDisk;
using testing::CrashFileSystem;

TEST(OperationsTest, PathsAreTakenApartAsTheShellDoes) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(ParentOf("a/b/"), "a");
  EXPECT_EQ(ParentOf("a"), ".");
  EXPECT_EQ(ParentOf("/a"), "/");
  EXPECT_EQ(NameOf("/a/b//"), "b");
  EXPECT_EQ(NameOf("a"), "a");
}

TEST(OperationsTest, AnAtomicWriteIsOldOrNewAfterACrashAtAnyOperation) {
  for (Crash crash : {Crash::kForgetAll, Crash::kKeepNames}) {
    bool finished = false;
    for (int n = 0; !finished; ++n) {
      CrashDisk disk;
      CrashFileSystem before(&disk);
      ASSERT_TRUE(CreateFolders(before, "/run").ok());
      ASSERT_TRUE(WriteFileAtomically(before, "/run/f", "old").ok());
      CrashFileSystem process(&disk);
      process.KillAtOperation(n);
      finished = WriteFileAtomically(process, "/run/f", "new").ok();
      disk.Fail(crash);
      CrashFileSystem after(&disk);
      auto text = ReadWholeFile(after, "/run/f", 100);
      ASSERT_TRUE(text.ok()) << n << " " << text.status();
      if (finished) EXPECT_EQ(*text, "new");
      else EXPECT_TRUE(*text == "old" || *text == "new") << n << " " << *text;
    }
  }
}

TEST(OperationsTest, AFailedAtomicWriteKeepsTheOldContentAndLeavesNothingBehind) {
  CrashDisk disk;
  CrashFileSystem fs(&disk);
  ASSERT_TRUE(WriteFileAtomically(fs, "/f", "old").ok());
  disk.SetCapacity(10);
  Status status = WriteFileAtomically(fs, "/f", std::string(100, 'x'));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(disk.Snapshot(), (std::map<std::string, std::string>{{"/f", "old"}}));
}

TEST(OperationsTest, NewFoldersSurviveACrash) {
  CrashDisk disk;
  CrashFileSystem fs(&disk);
  ASSERT_TRUE(CreateFolders(fs, "/a/b/c").ok());
  disk.Fail(Crash::kForgetAll);
  EXPECT_TRUE(*Exists(fs, "/a/b/c"));
}

TEST(OperationsTest, AFileLargerThanExpectedIsRefused) {
  CrashDisk disk;
  CrashFileSystem fs(&disk);
  ASSERT_TRUE(WriteFileAtomically(fs, "/f", std::string(100, 'x')).ok());
  EXPECT_EQ(ReadWholeFile(fs, "/f", 99).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadWholeFile(fs, "/f", 100)->size(), 100u);
}

TEST(CrashFileSystemTest, ForgetsWhatWasNotSynced) {
  CrashDisk disk;
  CrashFileSystem fs(&disk);
  auto file = *fs.OpenForWrite("/f");
  ASSERT_TRUE(file->Append("12", 2).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs.SyncFolder("/").ok());
  ASSERT_TRUE(file->Append("34", 2).ok());
  ASSERT_TRUE(fs.Rename("/f", "/g").ok());
  EXPECT_EQ(disk.Snapshot().at("/g"), "1234");
  disk.Fail(Crash::kForgetAll);
  EXPECT_EQ(disk.Snapshot(), (std::map<std::string, std::string>{{"/f", "12"}}));
}

TEST(CrashFileSystemTest, AKilledProcessChangesNothingMore) {
  CrashDisk disk;
  CrashFileSystem fs(&disk);
  fs.KillAtOperation(1);
  EXPECT_TRUE(fs.CreateFolder("/a").ok());
  EXPECT_FALSE(fs.CreateFolder("/b").ok());
  EXPECT_FALSE(fs.Stat("/a").ok());
  CrashFileSystem other(&disk);
  EXPECT_TRUE(*Exists(other, "/a"));
  EXPECT_FALSE(*Exists(other, "/b"));
}

}  // namespace
}  // namespace deit::files
