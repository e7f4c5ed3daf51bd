#include "common/files/private_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"

namespace deit::files {
namespace {

using deit::testing::TempFolder;
using ::testing::HasSubstr;

TEST(PrivateFolderTest, IsForItsUserAloneWhateverTheUmask) {
  const TempFolder temp;
  const mode_t before = ::umask(0);
  EXPECT_TRUE(MakePrivateFolder(temp / "folder").ok());
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat((temp / "folder").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  EXPECT_TRUE(MakePrivateFolder(temp / "folder").ok()) << "its own";
}

TEST(PrivateFolderTest, OneThatAnotherUserCouldHaveMadeIsRefused) {
  const TempFolder temp;
  std::filesystem::create_directory(temp / "open");
  ASSERT_EQ(::chmod((temp / "open").c_str(), 0777), 0);
  EXPECT_THAT(std::string(MakePrivateFolder(temp / "open").message()), HasSubstr("other users have rights in it"));
  ASSERT_TRUE(MakePrivateFolder(temp / "target").ok());
  ASSERT_EQ(::symlink((temp / "target").c_str(), (temp / "link").c_str()), 0);
  EXPECT_THAT(std::string(MakePrivateFolder(temp / "link").message()), HasSubstr("is not a folder"));
  if (::geteuid() != 0) return;  // only root can give a folder away
  ASSERT_TRUE(MakePrivateFolder(temp / "anothers").ok());
  ASSERT_EQ(::chown((temp / "anothers").c_str(), 65534, 65534), 0);
  EXPECT_THAT(std::string(MakePrivateFolder(temp / "anothers").message()), HasSubstr("belongs to another user"));
  EXPECT_THAT(std::string(RemovePrivateFolder(temp / "anothers").message()), HasSubstr("belongs to another user"));
}

TEST(PrivateFolderTest, IsRemovedWithWhatItHoldsButNotWithWhatLinksLeadTo) {
  const TempFolder temp;
  std::filesystem::create_directories(temp / "victim");
  std::ofstream(temp / "victim/thesis") << "years";
  std::filesystem::create_directories(temp / "folder/a/b");
  std::ofstream(temp / "folder/a/b/file") << "";
  ASSERT_EQ(::symlink((temp / "victim").c_str(), (temp / "folder/a/link").c_str()), 0);
  ASSERT_EQ(::symlink((temp / "victim").c_str(), (temp / "link").c_str()), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(RemovePrivateFolder(temp / "link")));
  EXPECT_TRUE(RemovePrivateFolder(temp / "folder").ok());
  EXPECT_FALSE(std::filesystem::exists(temp / "folder"));
  EXPECT_TRUE(std::filesystem::exists(temp / "victim/thesis"));
  EXPECT_TRUE(RemovePrivateFolder(temp / "folder").ok()) << "nothing there";
}

}  // namespace
}  // namespace deit::files
