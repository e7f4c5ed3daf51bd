#include "common/files/inode.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"

namespace deit::files {
namespace {

TEST(InodeTest, StaysWithAFileThatIsMovedAndIsAnotherForACopy) {
  const testing::TempFolder temp;
  std::ofstream(temp / "file") << "text";
  const auto inode = InodeOf(temp / "file");
  ASSERT_TRUE(inode.ok()) << inode.status();
  std::filesystem::copy_file(temp / "file", temp / "copy");
  std::filesystem::rename(temp / "file", temp / "moved");
  EXPECT_EQ(InodeOf(temp / "moved").value(), *inode);
  EXPECT_NE(InodeOf(temp / "copy").value(), *inode);
  EXPECT_EQ(InodeOf(temp / "file").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace deit::files
