#include "worker/checkpoint/counted_file_system.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/temp_folder.h"

namespace deit::checkpoint {
namespace {

class CountedFileSystemTest : public ::testing::Test {
 protected:
  // Operations since the last call.
  int Done() { return std::exchange(done_, 0); }

  testing::TempFolder folder_;
  int done_ = 0;
  CountedFileSystem fs_{&files::FileSystem::Posix(), [this] { ++done_; }};
};

TEST_F(CountedFileSystemTest, CountsThePiecesOfALongFileAndKeepsItsBytes) {
  std::string written(size_t{40} << 20, 'x');
  written[(size_t{16} << 20) + 5] = 'y';
  const std::string path = folder_ / "file";
  auto file = fs_.OpenForWrite(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(Done(), 1);
  ASSERT_TRUE((*file)->Append(written.data(), written.size()).ok());
  EXPECT_EQ(Done(), 3) << "of 16 MiB";
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(Done(), 1);
  ASSERT_TRUE((*file)->Close().ok());
  Done();

  const auto opened = fs_.OpenForRead(path);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->Size(), written.size());
  EXPECT_EQ(Done(), 1);
  std::string read(written.size(), '\0');
  ASSERT_TRUE((*opened)->ReadAt(0, read.data(), read.size()).ok());
  EXPECT_EQ(Done(), 3);
  EXPECT_EQ(read, written);
}

TEST_F(CountedFileSystemTest, PassesErrorsOn) {
  EXPECT_TRUE(absl::IsNotFound(fs_.OpenForRead(folder_ / "none").status()));
  EXPECT_TRUE(absl::IsNotFound(fs_.Remove(folder_ / "none")));
  EXPECT_EQ(Done(), 1) << "an answer is progress, too";
}

}  // namespace
}  // namespace deit::checkpoint
