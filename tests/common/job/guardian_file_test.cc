#include "common/job/guardian_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

class GuardianFileTest : public ::testing::Test {
 protected:
  GuardianFileTest() {
    std::filesystem::create_directories(run_.Attempt(2));
    record_.set_attempt(2);
    *record_.mutable_guardian() = process::Self();
  }

  testing::TempFolder temp_;
  run::RunFolder run_{temp_ / "run"};
  v1::GuardianRecord record_;
  files::FileSystem& fs_ = files::FileSystem::Posix();
};

TEST_F(GuardianFileTest, IsReadBackInItsFolderAndWhereThatWasMoved) {
  ASSERT_TRUE(WriteGuardian(fs_, run_, "7f3a0001", &record_).ok());
  EXPECT_EQ(ReadGuardian(fs_, run_, "7f3a0001", 2)->guardian().pid(), process::Self().pid());
  std::filesystem::rename(run_.path(), temp_ / "moved");
  EXPECT_TRUE(ReadGuardian(fs_, run::RunFolder(temp_ / "moved"), "7f3a0001", 2).ok());
}

TEST_F(GuardianFileTest, SaysNothingInACopyOrAboutAnotherJob) {
  ASSERT_TRUE(WriteGuardian(fs_, run_, "7f3a0001", &record_).ok());
  EXPECT_TRUE(absl::IsNotFound(ReadGuardian(fs_, run_, "7f3a0002", 2).status()));
  std::filesystem::copy(run_.path(), temp_ / "copy", std::filesystem::copy_options::recursive);
  EXPECT_TRUE(absl::IsNotFound(ReadGuardian(fs_, run::RunFolder(temp_ / "copy"), "7f3a0001", 2).status()));
}

TEST_F(GuardianFileTest, OfAnOlderVersionIsBelieved) {
  ASSERT_TRUE(json::WriteJsonFile(fs_, run_.Guardian(2), record_).ok());
  EXPECT_TRUE(ReadGuardian(fs_, run_, "7f3a0001", 2).ok());
}

}  // namespace
}  // namespace deit::job
