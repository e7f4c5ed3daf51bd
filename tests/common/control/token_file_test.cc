#include "common/control/token_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"

namespace deit::control {
namespace {

using deit::testing::TempFolder;

void WriteFile(const std::string& path, const std::string& bytes, mode_t mode) {
  std::ofstream(path) << bytes;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

TEST(TokenFileTest, IsReadAsItWasDrawn) {
  const TempFolder folder;
  const auto token = CreateToken(folder / "token");
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->size(), kTokenBytes);
  EXPECT_EQ(ReadToken(folder / "token").value(), *token);
  EXPECT_NE(CreateToken(folder / "another").value(), *token);
}

TEST(TokenFileTest, OnlyItsUserMayReadIt) {
  const TempFolder folder;
  const mode_t before = ::umask(0);
  ASSERT_TRUE(CreateToken(folder / "token").ok());
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat((folder / "token").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(TokenFileTest, OneThatIsThereIsKept) {
  const TempFolder folder;
  const std::string token = CreateToken(folder / "token").value();
  EXPECT_TRUE(absl::IsAlreadyExists(CreateToken(folder / "token").status()));
  EXPECT_EQ(ReadToken(folder / "token").value(), token);
}

TEST(TokenFileTest, WhatAKilledOwnerLeftIsReplacedAndNothingIsLeft) {
  const TempFolder folder;
  WriteFile(folder / "token.tmp", "half", 0600);
  ASSERT_TRUE(CreateToken(folder / "token").ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "token.tmp"));
  EXPECT_FALSE(CreateToken(folder / "missing/token").ok());
}

TEST(TokenFileTest, OneThatOthersMayUseIsRejected) {
  const TempFolder folder;
  for (const mode_t mode : {0644u, 0640u, 0620u, 0601u}) {
    WriteFile(folder / "token", std::string(kTokenBytes, 'x'), mode);
    const auto token = ReadToken(folder / "token");
    EXPECT_TRUE(absl::IsPermissionDenied(token.status())) << token.status();
    EXPECT_NE(HintOf(token.status()), "");
  }
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  WriteFile(folder / "token", std::string(kTokenBytes, 'x'), 0600);
  ASSERT_EQ(::chown((folder / "token").c_str(), 12345, 12345), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(ReadToken(folder / "token").status()));
}

TEST(TokenFileTest, WhatIsNoTokenIsRejected) {
  const TempFolder folder;
  EXPECT_TRUE(absl::IsNotFound(ReadToken(folder / "token").status()));
  for (const size_t size : {size_t{0}, kTokenBytes - 1, kTokenBytes + 1, size_t{100'000}}) {
    WriteFile(folder / "token", std::string(size, 'x'), 0600);
    EXPECT_TRUE(absl::IsDataLoss(ReadToken(folder / "token").status())) << size;
  }
  EXPECT_FALSE(ReadToken(folder.path()).ok());
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsDataLoss(ReadToken(folder / "pipe").status()));
  ASSERT_EQ(::symlink("token", (folder / "link").c_str()), 0);
  EXPECT_FALSE(ReadToken(folder / "link").ok());
}

}  // namespace
}  // namespace deit::control
