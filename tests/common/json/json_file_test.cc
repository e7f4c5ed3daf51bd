#include "common/json/json_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proto/job.pb.h"
#include "tests/support/temp_folder.h"

namespace deit::json {
namespace {

using ::testing::HasSubstr;

class JsonFileTest : public ::testing::Test {
 protected:
  testing::TempFolder temp_;
  const std::string path_ = temp_ / "exit.json";
  files::FileSystem& fs_ = files::FileSystem::Posix();
};

TEST_F(JsonFileTest, HoldsWhatWasWrittenOrReplaced) {
  v1::LauncherExit written, read;
  written.set_exit_code(75);
  ASSERT_TRUE(WriteJsonFile(fs_, path_, written).ok());
  ASSERT_TRUE(ReadJsonFile(fs_, path_, &read).ok());
  EXPECT_EQ(read.exit_code(), 75);
  written.set_exit_code(76);
  ASSERT_TRUE(ReplaceJsonFile(fs_, path_, written).ok());
  ASSERT_TRUE(ReadJsonFile(fs_, path_, &read).ok());
  EXPECT_EQ(read.exit_code(), 76);
}

TEST_F(JsonFileTest, WhatIsMissingOrBrokenIsToldApart) {
  v1::LauncherExit read;
  EXPECT_TRUE(absl::IsNotFound(ReadJsonFile(fs_, path_, &read)));
  std::ofstream(path_) << "{ torn";
  const Status broken = ReadJsonFile(fs_, path_, &read);
  EXPECT_TRUE(absl::IsDataLoss(broken));
  EXPECT_THAT(broken.message(), HasSubstr(path_));
}

TEST_F(JsonFileTest, AFileOfAnotherAttemptIsNotThisOnes) {
  v1::LauncherExit written;
  written.set_attempt(3);
  ASSERT_TRUE(WriteJsonFile(fs_, path_, written).ok());
  EXPECT_EQ(ReadAttemptFile<v1::LauncherExit>(fs_, path_, 3)->attempt(), 3);
  const Status other = ReadAttemptFile<v1::LauncherExit>(fs_, path_, 2).status();
  EXPECT_TRUE(absl::IsDataLoss(other));
  EXPECT_THAT(other.message(), HasSubstr("contains attempt 3, expected attempt 2"));
}

}  // namespace
}  // namespace deit::json
