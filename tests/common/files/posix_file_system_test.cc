#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/exit_code.h"
#include "common/files/file_system.h"
#include "common/files/operations.h"
#include "tests/support/temp_folder.h"

namespace deit::files {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PosixFileSystemTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    auto file = fs_.OpenForWrite(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(text.data(), text.size()).ok());
    ASSERT_TRUE((*file)->Sync().ok());
    ASSERT_TRUE((*file)->Close().ok());
    ASSERT_TRUE((*file)->Close().ok());
  }

  testing::TempFolder folder_;
  FileSystem& fs_ = FileSystem::Posix();
};

TEST_F(PosixFileSystemTest, ReadsBackWhatWasWrittenAtAnyPlace) {
  Write(folder_ / "a", "hello world");
  auto file = fs_.OpenForRead(folder_ / "a");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->Size(), 11u);
  char text[5];
  ASSERT_TRUE((*file)->ReadAt(6, text, 5).ok());
  EXPECT_EQ(std::string(text, 5), "world");
}

TEST_F(PosixFileSystemTest, ReadingPastTheEndIsDataLossWithTheSize) {
  Write(folder_ / "a", "hello");
  auto file = fs_.OpenForRead(folder_ / "a");
  char text[8];
  Status status = (*file)->ReadAt(3, text, 3);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("ends at byte 5"));
  EXPECT_EQ((*file)->ReadAt(UINT64_MAX, text, 3).code(), absl::StatusCode::kDataLoss);
}

TEST_F(PosixFileSystemTest, AFileCutAfterOpeningIsDataLoss) {
  Write(folder_ / "a", "hello world");
  auto file = fs_.OpenForRead(folder_ / "a");
  ASSERT_EQ(truncate((folder_ / "a").c_str(), 4), 0);
  char text[11];
  EXPECT_EQ((*file)->ReadAt(0, text, 11).code(), absl::StatusCode::kDataLoss);
}

TEST_F(PosixFileSystemTest, AReaderWithoutDescriptorsIsNoFailureToSave) {
  Write(folder_ / "a", "hello");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const Status status = fs_.OpenForRead(folder_ / "a").status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot open: too many open files"));
}

TEST_F(PosixFileSystemTest, AFullDiskIsResourceExhaustedAndNamesThePath) {
  auto file = fs_.OpenForWrite("/dev/full");
  ASSERT_TRUE(file.ok());
  Status status = (*file)->Append("x", 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "/dev/full: cannot write: no space left on device");
}

TEST_F(PosixFileSystemTest, MissingFilesAreNotFound) {
  EXPECT_EQ(fs_.OpenForRead(folder_ / "no").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_.Stat(folder_ / "no").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_.List(folder_ / "no").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_.Remove(folder_ / "no").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_.Rename(folder_ / "no", folder_ / "b").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_.SyncFolder(folder_ / "no").code(), absl::StatusCode::kNotFound);
}

TEST_F(PosixFileSystemTest, AFolderIsNotAFile) {
  EXPECT_EQ(fs_.OpenForRead(folder_.path()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fs_.OpenForWrite(folder_.path()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PosixFileSystemTest, FoldersAreListedSortedAndMadeTwiceWithoutHarm) {
  ASSERT_TRUE(fs_.CreateFolder(folder_ / "d").ok());
  EXPECT_TRUE(fs_.CreateFolder(folder_ / "d").ok());
  Write(folder_ / "d/b", "");
  Write(folder_ / "d/a", "");
  EXPECT_TRUE(fs_.SyncFolder(folder_ / "d").ok());
  EXPECT_THAT(*fs_.List(folder_ / "d"), ElementsAre("a", "b"));
  EXPECT_EQ(fs_.CreateFolder(folder_ / "d/a").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_.Remove(folder_ / "d").code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PosixFileSystemTest, StatTellsLinksFromWhatTheyPointTo) {
  Write(folder_ / "a", "abc");
  ASSERT_EQ(symlink((folder_ / "a").c_str(), (folder_ / "link").c_str()), 0);
  ASSERT_EQ(symlink("/no/such", (folder_ / "dangling").c_str()), 0);
  EXPECT_TRUE(fs_.Stat(folder_ / "link")->is_link);
  EXPECT_EQ(fs_.Stat(folder_ / "link")->bytes, 3u);
  EXPECT_TRUE(fs_.Stat(folder_ / "dangling")->is_link);
}

TEST_F(PosixFileSystemTest, RemovingATreeDoesNotFollowLinksOrLeaveItsBounds) {
  ASSERT_TRUE(CreateFolders(fs_, folder_ / "root/x/y").ok());
  ASSERT_TRUE(fs_.CreateFolder(folder_ / "outside").ok());
  Write(folder_ / "outside/kept", "1");
  Write(folder_ / "root/x/y/f", "2");
  ASSERT_EQ(symlink((folder_ / "outside").c_str(), (folder_ / "root/x/link").c_str()), 0);
  for (const char* path : {"root", "root/", "root/../outside", "root/x/../../outside", "outside", "root//x"}) {
    EXPECT_EQ(RemoveTree(fs_, folder_ / path, folder_ / "root").code(), absl::StatusCode::kInvalidArgument) << path;
  }
  ASSERT_TRUE(RemoveTree(fs_, folder_ / "root/x", folder_ / "root").ok());
  EXPECT_FALSE(*Exists(fs_, folder_ / "root/x"));
  EXPECT_TRUE(*Exists(fs_, folder_ / "outside/kept"));
  EXPECT_TRUE(RemoveTree(fs_, folder_ / "root/x", folder_ / "root").ok()) << "gone already";
}

TEST_F(PosixFileSystemTest, SaysHowMuchRoomThereIs) { EXPECT_GT(*fs_.FreeBytes(folder_.path()), 0u); }

}  // namespace
}  // namespace deit::files
