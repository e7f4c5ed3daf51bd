#include "coordinator/supervise/take_over.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "common/spec/load.h"
#include "tests/support/temp_folder.h"

namespace deit::supervise {
namespace {

class TakeOverTest : public ::testing::Test {
 protected:
  TakeOverTest() { ::setenv("DEIT_STATE_DIR", (temp_ / "state").c_str(), 1); }
  ~TakeOverTest() override { ::unsetenv("DEIT_STATE_DIR"); }

  std::unique_ptr<job::JobStore> Take() {
    const auto spec = spec::LoadSpec("", {"name=small", "model.name=vit_tiny_patch16_224", "run_dir=" + (temp_ / "run")});
    auto owner = job::JobStore::Take(*spec, "00112233aabbccdd", {.take_over = true, .workers = 2});
    EXPECT_TRUE(owner.ok()) << owner.status();
    return *std::move(owner);
  }

  // An owner that began an attempt and died; `guardian` keeps it.
  void Abandon(const v1::ProcessIdentity& guardian, v1::JobState::Value state = v1::JobState::RUNNING) {
    const auto owner = Take();
    const int attempt = owner->BeginAttempt().value();
    owner->CheckpointState(state);
    v1::GuardianRecord record;
    record.set_attempt(attempt);
    *record.mutable_guardian() = guardian;
    ASSERT_TRUE(json::WriteJsonFile(files::FileSystem::Posix(), owner->folder().Guardian(attempt), record).ok());
  }
  std::optional<v1::JobRecord> Find() { return FindAbandonedAttempt(*Take()).value(); }

  static v1::ProcessIdentity Dead() {
    auto identity = process::Self();
    identity.set_start_time(identity.start_time() - 1);
    return identity;
  }

  testing::TempFolder temp_;
};

TEST_F(TakeOverTest, AFreshFolderHasNone) { EXPECT_FALSE(Find()); }

TEST_F(TakeOverTest, ALivingAttemptIsFound) {
  Abandon(process::Self());
  ASSERT_TRUE(Find());
  EXPECT_EQ(Find()->attempt(), 1);
  EXPECT_EQ(Find()->workers_wanted(), 2);
}

TEST_F(TakeOverTest, OneThatEndedUnseenIsFoundOneWhoseEndIsRecordedIsNot) {
  Abandon(Dead());
  EXPECT_TRUE(Find());
  Abandon(Dead(), v1::JobState::STOPPED);
  EXPECT_FALSE(Find());
}

TEST_F(TakeOverTest, ALivingAttemptIsFoundWithoutItsRecordToo) {
  Abandon(process::Self());
  std::filesystem::remove_all(temp_ / "state");
  ASSERT_TRUE(Find());
  EXPECT_EQ(Find()->attempt(), 1);
}

TEST_F(TakeOverTest, AnotherHostsIsGivenUp) {
  auto elsewhere = process::Self();
  elsewhere.set_host("another-host");
  Abandon(elsewhere);
  EXPECT_FALSE(Find());
}

}  // namespace
}  // namespace deit::supervise
