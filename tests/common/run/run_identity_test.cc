#include "common/run/run_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/exit_code.h"
#include "common/json/json_file.h"
#include "common/json/message_json.h"
#include "tests/support/temp_folder.h"

namespace deit::run {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

class RunIdentityTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(MakeRunFolder(Fs(), folder_).ok()); }

  static StatusOr<Identity> Claim(const RunFolder& folder, const std::string& digest = "aaaa", bool allow = false) {
    return ClaimIdentity(Fs(), folder, {.spec_digest = digest, .allow_config_change = allow},
                         [] { return std::string("train.batch_size: 64 -> 128"); });
  }

  testing::TempFolder temp_;
  const RunFolder folder_{temp_ / "run"};
};

TEST_F(RunIdentityTest, TheIdIsDrawnOnceAndKept) {
  const auto first = Claim(folder_);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(first->job, MatchesRegex("[0-9a-f]{8}"));
  EXPECT_TRUE(first->first_start);
  const auto second = Claim(folder_);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->job, first->job);
  EXPECT_FALSE(second->first_start);
  EXPECT_FALSE(second->is_copy);
  EXPECT_EQ(ReadIdentity(Fs(), folder_).value().job(), first->job);
}

TEST_F(RunIdentityTest, OtherFoldersGetOtherIds) {
  const RunFolder other(temp_ / "other");
  ASSERT_TRUE(MakeRunFolder(Fs(), other).ok());
  EXPECT_NE(Claim(folder_)->job, Claim(other)->job);
}

TEST_F(RunIdentityTest, WhatTheJobBeganWithIsKeptInCopiesToo) {
  const auto no_difference = [] { return std::string(); };
  EXPECT_EQ(InitFromDigest(Fs(), folder_), "");
  const std::string id = Claim(folder_)->job;  // by a version that did not record it
  ASSERT_TRUE(ClaimIdentity(Fs(), folder_, {.spec_digest = "aaaa", .init_from_digest = "bbbb"}, no_difference).ok());
  EXPECT_EQ(ReadIdentity(Fs(), folder_).value().job(), id);
  EXPECT_EQ(InitFromDigest(Fs(), folder_), "bbbb");
  const RunFolder copy(temp_ / "copy");
  std::filesystem::copy(folder_.path(), copy.path(), std::filesystem::copy_options::recursive);
  EXPECT_EQ(InitFromDigest(Fs(), copy), "bbbb");
}

TEST_F(RunIdentityTest, AMovedFolderKeepsItsId) {
  const std::string id = Claim(folder_)->job;
  const RunFolder moved(temp_ / "moved");
  std::filesystem::rename(folder_.path(), moved.path());
  EXPECT_EQ(ReadIdentity(Fs(), moved).value().job(), id);
  EXPECT_EQ(Claim(moved)->job, id);
}

TEST_F(RunIdentityTest, ACopyDrawsItsOwnIdAtItsFirstStart) {
  const std::string id = Claim(folder_)->job;
  const RunFolder copy(temp_ / "copy");
  std::filesystem::copy(folder_.path(), copy.path(), std::filesystem::copy_options::recursive);
  EXPECT_TRUE(absl::IsNotFound(ReadIdentity(Fs(), copy).status()));
  const auto started = Claim(copy);
  ASSERT_TRUE(started.ok());
  EXPECT_TRUE(started->is_copy);
  EXPECT_NE(started->job, id);
  EXPECT_EQ(Claim(copy)->job, started->job);
  EXPECT_EQ(Claim(folder_)->job, id);
}

// Also one that is made in the very tick of the clock in which the original appears.
TEST_F(RunIdentityTest, NoCopyIsAsOldAsTheOriginal) {
  for (int i = 0; i < 5; ++i) {
    const RunFolder original(temp_ / std::to_string(i)), copy(original.path() + "_copy");
    ASSERT_TRUE(MakeRunFolder(Fs(), original).ok());
    ASSERT_TRUE(Claim(original).ok());
    std::filesystem::copy(original.path(), copy.path(), std::filesystem::copy_options::recursive);
    EXPECT_TRUE(absl::IsNotFound(ReadIdentity(Fs(), copy).status()));
  }
}

// sshfs and others do so at each mount.
TEST_F(RunIdentityTest, AFileSystemThatNumbersFilesDifferentlyKeepsTheId) {
  const std::string id = Claim(folder_)->job;
  v1::RunIdentity identity;
  ASSERT_TRUE(json::ReadJsonFile(Fs(), folder_.Job(), &identity).ok());
  if (identity.created().empty()) GTEST_SKIP() << "this file system does not tell when a file was created";
  identity.set_inode(identity.inode() + 1);
  std::ofstream(folder_.Job()) << json::ToJsonText(identity);  // in place: the time of creation stays
  EXPECT_EQ(Claim(folder_)->job, id);
}

// A kernel that begins to tell it, or no longer does: the number decides.
TEST_F(RunIdentityTest, ATimeOfCreationThatOnlyOneSideKnowsDecidesNothing) {
  const std::string id = Claim(folder_)->job;
  v1::RunIdentity identity;
  ASSERT_TRUE(json::ReadJsonFile(Fs(), folder_.Job(), &identity).ok());
  identity.clear_created();
  std::ofstream(folder_.Job()) << json::ToJsonText(identity);
  EXPECT_EQ(Claim(folder_)->job, id);
}

TEST_F(RunIdentityTest, AnotherJobIsRefusedWithTheFieldsThatDiffer) {
  const std::string id = Claim(folder_)->job;
  const Status status = Claim(folder_, "bbbb").status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kRunFolder);
  EXPECT_THAT(std::string(status.message()), HasSubstr("its spec digest is aaaa, this job's is bbbb\ntrain.batch_size: 64 -> 128"));
  EXPECT_THAT(HintOf(status), HasSubstr("--allow_config_change"));
  EXPECT_EQ(Claim(folder_)->job, id);  // nothing changed
}

TEST_F(RunIdentityTest, WhenNoFieldDiffersTheFilesDo) {
  ASSERT_TRUE(Claim(folder_).ok());
  const Status status = ClaimIdentity(Fs(), folder_, {.spec_digest = "bbbb"}, [] { return std::string(); }).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kRunFolder);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no field differs, so the images of data.root or a file of weights"));
  EXPECT_THAT(HintOf(status), HasSubstr("put them back"));
}

TEST_F(RunIdentityTest, AnAllowedChangeBecomesTheIdentity) {
  const std::string id = Claim(folder_)->job;
  const auto changed = Claim(folder_, "bbbb", /*allow=*/true);
  ASSERT_TRUE(changed.ok());
  EXPECT_TRUE(changed->config_changed);
  EXPECT_EQ(changed->job, id);
  EXPECT_FALSE(Claim(folder_, "bbbb")->config_changed);
  EXPECT_FALSE(Claim(folder_, "aaaa").ok());
}

TEST_F(RunIdentityTest, ABrokenFileCostsTheIdOnly) {
  const std::string id = Claim(folder_)->job;
  for (const char* text : {"", "{}", "{\"job\":\"../../x\"}", "\xff\xfe", "{\"job\": \"0123"}) {
    std::ofstream(folder_.Job()) << text;
    EXPECT_FALSE(ReadIdentity(Fs(), folder_).ok()) << text;
    const auto claimed = Claim(folder_);
    ASSERT_TRUE(claimed.ok()) << text << claimed.status();
    EXPECT_NE(claimed->job, id);
    EXPECT_EQ(ReadIdentity(Fs(), folder_).value().job(), claimed->job);
  }
}

}  // namespace
}  // namespace deit::run
