#include "common/job/state_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

using deit::testing::TempFolder;
using ::testing::HasSubstr;

// The folder that an environment of these variables alone names.
StatusOr<StateFolder> In(const std::map<std::string, std::string>& environment) {
  for (const char* name : {"DEIT_STATE_DIR", "XDG_STATE_HOME", "HOME"}) {
    const auto found = environment.find(name);
    found == environment.end() ? ::unsetenv(name) : ::setenv(name, found->second.c_str(), 1);
  }
  return StateFolder::FromEnvironment();
}

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777U;
}

TEST(StateFolderTest, TheFirstVariableThatSaysSomethingCounts) {
  EXPECT_EQ(In({{"DEIT_STATE_DIR", "/a/./b/"}, {"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}})->path(), "/a/b");
  const TempFolder temp;
  const std::string x = temp / "x", h = temp / "h";
  EXPECT_EQ(In({{"DEIT_STATE_DIR", ""}, {"XDG_STATE_HOME", x}, {"HOME", h}})->path(), x + "/deit");
  EXPECT_EQ(In({{"XDG_STATE_HOME", "relative"}, {"HOME", h}})->path(), h + "/.local/state/deit");
  EXPECT_EQ(In({{"HOME", h}})->path(), h + "/.local/state/deit");
  EXPECT_EQ(In({{"DEIT_STATE_DIR", "state"}})->path(), std::filesystem::current_path().string() + "/state");
}

TEST(StateFolderTest, WithoutAHomeThatCanBeWrittenItIsThisUsersFolderInTmp) {
  const std::string instead = absl::StrCat("/tmp/deit-state-", ::geteuid());
  EXPECT_EQ(In({})->path(), instead);
  const TempFolder temp;
  std::ofstream(temp / "file") << "";
  EXPECT_EQ(In({{"HOME", temp / "file"}})->path(), instead);
  EXPECT_EQ(In({{"DEIT_STATE_DIR", "/proc/nowhere"}})->path(), "/proc/nowhere") << "what a user names is not replaced";
}

TEST(StateFolderTest, FilesOfAJobStandTogether) {
  const StateFolder folder("/state");
  EXPECT_EQ(folder.Record("7f3a0001"), "/state/jobs/7f3a0001.json");
  EXPECT_EQ(folder.Token("7f3a0001"), "/state/jobs/7f3a0001.token");
  EXPECT_EQ(folder.CancelRequest("7f3a0001"), "/state/jobs/7f3a0001.cancel");
}

TEST(StateFolderTest, IsMadeForItsUserAloneWhateverTheUmask) {
  const TempFolder temp;
  const mode_t before = ::umask(0);
  const StateFolder folder(temp / "above/state");
  EXPECT_TRUE(MakeStateFolder(folder).ok());
  ::umask(before);
  for (const std::string& path : {temp / "above", folder.path(), folder.Jobs()}) EXPECT_EQ(ModeOf(path), 0700U) << path;
  EXPECT_TRUE(MakeStateFolder(folder).ok()) << "again";
}

TEST(StateFolderTest, AFolderThatExistsKeepsItsModeButItsJobsAreNobodyElses) {
  const TempFolder temp;
  const StateFolder folder(temp / "state");
  std::filesystem::create_directories(folder.Jobs());
  for (const std::string& path : {folder.path(), folder.Jobs()}) ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  EXPECT_TRUE(MakeStateFolder(folder).ok());
  EXPECT_EQ(ModeOf(folder.path()), 0755U);
  EXPECT_EQ(ModeOf(folder.Jobs()), 0700U);
}

TEST(StateFolderTest, WhatIsNoFolderOfOursIsRefused) {
  const TempFolder temp;
  const StateFolder folder(temp / "state");
  std::filesystem::create_directories(folder.path());
  std::ofstream(folder.Jobs()) << "a file";
  const Status status = MakeStateFolder(folder);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(status.message(), "state folder: " + folder.Jobs() + ": is not a folder");
  std::filesystem::remove(folder.Jobs());
  std::filesystem::create_symlink("/tmp", folder.Jobs());
  EXPECT_TRUE(absl::IsFailedPrecondition(MakeStateFolder(folder))) << "a link leads to a folder that may be another user's";
  std::filesystem::remove(folder.Jobs());
  if (::geteuid() != 0) return;
  std::filesystem::create_directory(folder.Jobs());
  ASSERT_EQ(::chown(folder.Jobs().c_str(), 12345, 12345), 0);
  EXPECT_THAT(std::string(MakeStateFolder(folder).message()), HasSubstr("belongs to another user"));
}

}  // namespace
}  // namespace deit::job
