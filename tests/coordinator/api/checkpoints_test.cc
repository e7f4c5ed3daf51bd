#include "coordinator/api/checkpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/json/message_json.h"
#include "tests/common/checkpoint/sample_checkpoint.h"
#include "tests/support/temp_folder.h"

namespace deit::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Verification = v1::CheckpointVerification::Result;

class CheckpointsTest : public ::testing::Test {
 protected:
  void Save(int64_t step, double val_acc1) {
    const auto save = [&](int worker) {
      return checkpoint::Save{.root = root_, .step = step, .nonce = "n", .worker = worker, .workers = 2};
    };
    ASSERT_TRUE(checkpoint::PrepareCheckpoint(fs_, root_, step).ok());
    for (const int worker : {1, 0}) {
      const checkpoint::SampleShard part = checkpoint::MakeShard(step, worker, 2);
      ASSERT_TRUE(checkpoint::WriteShard(fs_, save(worker), part.files, part.ledger).ok());
    }
    v1::CheckpointManifest about;
    about.set_val_acc1(val_acc1);
    ASSERT_TRUE(checkpoint::CommitCheckpoint(fs_, Clock::System(), save(0), about, absl::Seconds(30)).ok());
  }
  std::string PathOf(int64_t step) { return absl::StrFormat("%s/step_%08d", root_, step); }
  void Damage(const std::string& path) {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-1, std::ios::end);
    stream.put('\x7f');
  }

  testing::TempFolder folder_;
  files::FileSystem& fs_ = files::FileSystem::Posix();
  const std::string root_ = folder_ / "checkpoints";
};

TEST_F(CheckpointsTest, ListKeepsNullForWhatAnIncompleteOneCannotSay) {
  Save(10, 61.25);
  std::filesystem::create_directory(PathOf(20));
  const auto list = ListCheckpoints(fs_, folder_.path());
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->sets_size(), 2);
  EXPECT_EQ(list->root(), root_);
  EXPECT_EQ(list->sets(0).state(), v1::CheckpointEntry::COMPLETE);
  EXPECT_EQ(list->sets(0).workers(), 2);
  EXPECT_FALSE(list->sets(0).has_epoch());
  EXPECT_EQ(list->sets(1).state(), v1::CheckpointEntry::INCOMPLETE);
  EXPECT_THAT(json::ToSpacedJsonLine(list->sets(1)),
              HasSubstr("\"bytes\": 0, \"epoch\": null, \"val_acc1\": null, \"workers\": null, \"created\": null, "
                        "\"weights_digest\": null, \"state_digest\": null}"));
  EXPECT_EQ(ListCheckpoints(fs_, PathOf(10))->sets_size(), 1);
}

TEST_F(CheckpointsTest, VerifyCountsAnIncompleteOneOnlyWhereItIsNamed) {
  Save(10, 1);
  std::filesystem::create_directory(PathOf(20));
  const auto run = VerifyCheckpoints(fs_, folder_.path());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_TRUE(run->good());
  EXPECT_EQ(run->checkpoints(1).verdict(), Verification::INCOMPLETE);
  EXPECT_FALSE(VerifyCheckpoints(fs_, PathOf(20))->good());
  Damage(PathOf(10) + "/model_00.safetensors");
  const auto damaged = VerifyCheckpoints(fs_, folder_.path());
  EXPECT_FALSE(damaged->good());
  EXPECT_EQ(damaged->checkpoints(0).verdict(), Verification::BAD);
  EXPECT_THAT(damaged->checkpoints(0).faults(0), HasSubstr("model_00.safetensors"));
  EXPECT_EQ(VerifyCheckpoints(fs_, folder_ / "none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CheckpointsTest, PruningIsPlannedBeforeAnythingGoes) {
  for (const int64_t step : {10, 20, 30}) Save(step, step == 10 ? 99 : 1);
  const auto pruning = PlanCheckpointPruning(fs_, folder_.path(), 1);
  ASSERT_TRUE(pruning.ok()) << pruning.status();
  EXPECT_THAT(pruning->steps(), ElementsAre(20));
  EXPECT_THAT(pruning->names(), ElementsAre("step_00000020"));
  EXPECT_EQ(fs_.List(root_)->size(), 3U);
  ASSERT_TRUE(PruneCheckpoints(fs_, *pruning).ok());
  EXPECT_THAT(*fs_.List(root_), ElementsAre("step_00000010", "step_00000030"));
  EXPECT_TRUE(PlanCheckpointPruning(fs_, folder_.path(), 1)->steps().empty());
  EXPECT_EQ(PlanCheckpointPruning(fs_, PathOf(10), 1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CheckpointsTest, PruningIsRefusedWhereOneThatStaysIsBad) {
  for (const int64_t step : {10, 20}) Save(step, 1);
  Damage(PathOf(20) + "/model_00.safetensors");
  EXPECT_EQ(PlanCheckpointPruning(fs_, folder_.path(), 1).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace deit::api
