// Damaged sets: nothing that was changed after the commit loads, and every message names the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/base/exit_code.h"
#include "common/json/sealed_json.h"
#include "tests/common/checkpoint/sample_checkpoint.h"
#include "tests/support/crash_file_system.h"

namespace deit::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CheckpointDamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(SaveSample(fs_, 2, 10, "n").ok());
    ASSERT_TRUE(SaveSample(fs_, 2, 20, "n").ok());
    for (const auto& [path, content] : disk_.Snapshot()) {
      if (path.find(folder_ + "/") == 0 && path.back() != '/') files_[path] = content;
    }
    ASSERT_EQ(files_.size(), 11u);  // four kinds by two writers, and the manifest: no sidecar stays
  }
  void Put(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(disk_.Overwrite(path, [&](std::string* content) { *content = bytes; }).ok());
  }

  testing::CrashDisk disk_;
  testing::CrashFileSystem fs_{&disk_};
  const std::string root_ = "/run/checkpoints", folder_ = root_ + "/step_00000020";
  std::map<std::string, std::string> files_;
};

TEST_F(CheckpointDamageTest, AnyTruncationIsFound) {
  std::mt19937_64 random(1);
  for (const auto& [path, bytes] : files_) {
    for (int trial = 0; trial < 25; ++trial) {
      Put(path, bytes.substr(0, trial == 0 ? 0 : trial == 1 ? bytes.size() - 1 : random() % bytes.size()));
      const Status status = VerifyCheckpoint(fs_, folder_).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << path;
      EXPECT_THAT(std::string(status.message()), HasSubstr(path));
      EXPECT_EQ(NewestGood(fs_), 10);
    }
    Put(path, bytes);
  }
  EXPECT_EQ(NewestGood(fs_), 20);
}

TEST_F(CheckpointDamageTest, AnyFlippedBitIsFound) {
  for (const auto& [path, bytes] : files_) {
    for (size_t at = 0; at < bytes.size(); at += 1 + at / 400) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      Put(path, flipped);
      const Status status = VerifyCheckpoint(fs_, folder_).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << path << " " << at << " " << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    }
    Put(path, bytes);
  }
}

TEST_F(CheckpointDamageTest, AddedBytesAndMissingFilesAreFound) {
  for (const auto& [path, bytes] : files_) {
    Put(path, bytes + "x");
    EXPECT_EQ(VerifyCheckpoint(fs_, folder_).status().code(), absl::StatusCode::kDataLoss) << path;
    ASSERT_TRUE(fs_.Remove(path).ok());
    const Status status = VerifyCheckpoint(fs_, folder_).status();
    EXPECT_TRUE(IsDamaged(status)) << status;
    EXPECT_EQ(NewestGood(fs_), 10);
    ASSERT_TRUE(files::WriteFileAtomically(fs_, path, bytes).ok());
  }
}

TEST_F(CheckpointDamageTest, FilesSwappedBetweenSetsAreFound) {
  for (const auto& [path, bytes] : files_) {
    const std::string other = absl::StrCat(root_, "/step_00000010", path.substr(folder_.size()));
    Put(path, disk_.Snapshot().at(other));
    const Status status = VerifyCheckpoint(fs_, folder_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << path << " " << status;
    Put(path, bytes);
  }
}

TEST_F(CheckpointDamageTest, TheListTellsStatesAndReasons) {
  Put(folder_ + "/ema_01.safetensors", "short");
  ASSERT_TRUE(fs_.CreateFolder(root_ + "/step_00000030").ok());
  ASSERT_TRUE(fs_.CreateFolder(root_ + "/other").ok());
  auto sets = ListCheckpoints(fs_, root_);
  ASSERT_TRUE(sets.ok());
  ASSERT_EQ(sets->size(), 3u);
  EXPECT_EQ((*sets)[0].state, CheckpointState::kComplete);
  EXPECT_EQ((*sets)[0].manifest->workers(), 2);
  EXPECT_GT((*sets)[0].bytes, 4000u);
  EXPECT_EQ((*sets)[1].state, CheckpointState::kDamaged);
  EXPECT_THAT((*sets)[1].reason, HasSubstr("ema_01.safetensors: 5 bytes, not the"));
  EXPECT_EQ((*sets)[2].state, CheckpointState::kIncomplete);
  EXPECT_TRUE(ListCheckpoints(fs_, "/nowhere")->empty());
}

TEST_F(CheckpointDamageTest, ABadSetIsSetAsideWithItsReasonAndItsStepCanBeSavedAgain) {
  Put(folder_ + "/ema_01.safetensors", "short");
  auto prepared = PrepareCheckpoint(fs_, root_, 20);
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  EXPECT_EQ(*prepared, Prepared::kReady);
  EXPECT_THAT(disk_.Snapshot().at(root_ + "/bad_step_00000020/reason.txt"), HasSubstr("ema_01"));
  ASSERT_TRUE(SaveSample(fs_, 3, 20, "m").ok());
  EXPECT_EQ(NewestGood(fs_), 20);
  ASSERT_TRUE(Quarantine(fs_, root_, 20, "again").ok());
  auto aside = ListQuarantined(fs_, root_);
  ASSERT_TRUE(aside.ok());
  EXPECT_THAT(*aside, ElementsAre("bad_step_00000020", "bad_step_00000020.2"));
}

TEST_F(CheckpointDamageTest, AManifestOfANewerVersionIsNoDamage) {
  v1::CheckpointManifest manifest = *ReadManifest(fs_, folder_);
  manifest.clear_digest();
  manifest.set_format_version(json::kFormatVersion + 1);
  std::string text = json::SealJson(manifest);
  Put(folder_ + "/manifest.json", text);
  const Status status = ReadManifest(fs_, folder_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("written by a newer version"));
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput);
  EXPECT_FALSE(IsDamaged(status));
  auto sets = ListCheckpoints(fs_, root_);
  EXPECT_EQ(sets->back().state, CheckpointState::kUnreadable);
  EXPECT_FALSE(PrepareCheckpoint(fs_, root_, 20).ok()) << "neither overwritten nor set aside";
}

TEST_F(CheckpointDamageTest, AManifestThatLiesWithAGoodSealIsRefused) {
  const v1::CheckpointManifest good = *ReadManifest(fs_, folder_);
  const auto refused = [&](void (*lie)(v1::CheckpointManifest*)) {
    v1::CheckpointManifest manifest = good;
    manifest.clear_digest();
    lie(&manifest);
    Put(folder_ + "/manifest.json", json::SealJson(manifest));
    return ReadManifest(fs_, folder_).status().code() == absl::StatusCode::kDataLoss;
  };
  EXPECT_TRUE(refused([](auto* m) { m->set_step(10); }));
  EXPECT_TRUE(refused([](auto* m) { m->set_format_version(0); }));
  EXPECT_TRUE(refused([](auto* m) { m->mutable_files(0)->set_name("../model_00.safetensors"); }));
  EXPECT_TRUE(refused([](auto* m) { m->mutable_files(0)->set_name(m->files(1).name()); }));
  EXPECT_TRUE(refused([](auto* m) { m->mutable_files(0)->set_digest("x"); }));
  EXPECT_FALSE(refused([](auto*) {}));
}

}  // namespace
}  // namespace deit::checkpoint
