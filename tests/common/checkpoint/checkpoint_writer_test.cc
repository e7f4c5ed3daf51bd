#include "common/checkpoint/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/base/exit_code.h"
#include "tests/common/checkpoint/sample_checkpoint.h"
#include "tests/support/crash_file_system.h"
#include "tests/support/temp_folder.h"

namespace deit::checkpoint {
namespace {

using ::testing::HasSubstr;

constexpr char kRoot[] = "/run/checkpoints";

class CheckpointWriterTest : public ::testing::Test {
 protected:
  Status Write(int worker, int workers, const std::string& nonce = "n") {
    SampleShard part = MakeShard(20, worker, workers);
    return WriteShard(fs_, SampleSave(20, nonce, worker, workers), part.files, part.ledger);
  }
  StatusOr<v1::CheckpointManifest> Commit(int workers, absl::Duration timeout = absl::Seconds(10)) {
    return CommitCheckpoint(fs_, clock_, SampleSave(20, "n", 0, workers), {}, timeout);
  }

  testing::CrashDisk disk_;
  testing::CrashFileSystem fs_{&disk_};
  SteppingClock clock_;
};

TEST_F(CheckpointWriterTest, AnyNumberOfWritersGivesTheSameTensors) {
  for (int workers : {1, 2, 3, 5, 8, 100}) {
    ASSERT_TRUE(SaveSample(fs_, workers, workers, "n").ok());
    EXPECT_TRUE(CheckSample(fs_, workers).ok()) << CheckSample(fs_, workers);
  }
}

TEST_F(CheckpointWriterTest, AnAccuracyCanBeAddedLaterAndChangesNothingElse) {
  ASSERT_TRUE(SaveSample(fs_, 2, 20, "n").ok());
  v1::CheckpointManifest before = *VerifyCheckpoint(fs_, CheckpointPath(kRoot, 20));
  EXPECT_FALSE(before.has_val_acc1());
  ASSERT_TRUE(RecordAccuracy(fs_, kRoot, 20, 81.25).ok());
  v1::CheckpointManifest after = *VerifyCheckpoint(fs_, CheckpointPath(kRoot, 20));
  EXPECT_EQ(after.val_acc1(), 81.25);
  EXPECT_NE(after.digest(), before.digest());
  after.clear_val_acc1();
  after.set_digest(before.digest());
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());
  EXPECT_TRUE(absl::IsNotFound(RecordAccuracy(fs_, kRoot, 21, 1)));
}

TEST_F(CheckpointWriterTest, TheManifestSumsTheLedgerAndNamesWhatItHolds) {
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 20).ok());
  for (int w : {0, 1, 2}) ASSERT_TRUE(Write(w, 3).ok());
  auto manifest = Commit(3);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  ASSERT_EQ(manifest->ledger_size(), 1);
  EXPECT_EQ(manifest->ledger(0).count(), 3u);
  EXPECT_EQ(manifest->ledger(0).sum(), static_cast<uint64_t>(-6));  // -1 - 2 - 3 modulo 2^64
  EXPECT_EQ(manifest->step(), 20);
  EXPECT_EQ(manifest->nonce(), "n");
  EXPECT_EQ(manifest->created(), 1'700'000'000.0);
  EXPECT_EQ(manifest->files_size(), 15);
  EXPECT_EQ(manifest->files(11).name(), "model_02.safetensors");
  EXPECT_EQ(manifest->files(11).writer(), 2);
}

TEST_F(CheckpointWriterTest, APassedDeadlineNamesTheMissingWorkers) {
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 20).ok());
  ASSERT_TRUE(Write(0, 4).ok());
  ASSERT_TRUE(Write(2, 4).ok());
  const Status status = Commit(4, absl::Seconds(3)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "checkpoint of step 20: timed out after 3s waiting for workers 1, 3");
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotSaved);
  EXPECT_GE(clock_.Elapsed(), absl::Seconds(3));
  EXPECT_LT(clock_.Elapsed(), absl::Seconds(4));
}

TEST_F(CheckpointWriterTest, SidecarsOfAnotherAttemptDoNotCount) {
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 20).ok());
  ASSERT_TRUE(Write(0, 2).ok());
  ASSERT_TRUE(Write(1, 2, "older").ok());
  EXPECT_EQ(Commit(2).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(CheckpointWriterTest, AWorkerThatGaveUpIsNamedAtOnceWithItsCause) {
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 20).ok());
  ASSERT_TRUE(Write(0, 2).ok());
  fs_.FailAtOperation(3, absl::ResourceExhaustedError("no space left on device"));
  EXPECT_EQ(ExitCodeOf(Write(1, 2)), ExitCode::kNotSaved);
  const Status status = Commit(2).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("worker 1 could not write its shard: no space left on device"));
  EXPECT_EQ(clock_.Elapsed(), absl::ZeroDuration()) << "no thread waited";
  EXPECT_EQ(disk_.BytesUsed(), 0u) << "the room is free again";
}

TEST_F(CheckpointWriterTest, ACompleteSetOfTheSameStepIsKept) {
  ASSERT_TRUE(SaveSample(fs_, 2, 20, "first").ok());
  const auto before = disk_.Snapshot();
  auto prepared = PrepareCheckpoint(fs_, kRoot, 20);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(*prepared, Prepared::kSavedAlready);
  EXPECT_EQ(disk_.Snapshot(), before);
}

TEST_F(CheckpointWriterTest, LeftoversOfADeadAttemptAreRemovedWhateverTheirStep) {
  ASSERT_TRUE(SaveSample(fs_, 2, 10, "first").ok());
  const uint64_t one_set = disk_.BytesUsed();
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 20).ok());
  ASSERT_TRUE(Write(4, 5, "dead").ok());
  ASSERT_TRUE(fs_.CreateFolder(std::string(kRoot) + "/mine").ok());
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 15).ok());
  EXPECT_EQ(disk_.BytesUsed(), one_set);
  EXPECT_TRUE(*files::Exists(fs_, std::string(kRoot) + "/mine")) << "what is not ours stays";
}

TEST_F(CheckpointWriterTest, APartOfAnotherWorldIsNotMerged) {
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 20).ok());
  ASSERT_TRUE(Write(0, 2).ok());
  ASSERT_TRUE(Write(1, 3).ok());
  EXPECT_EQ(Commit(2).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(CheckpointWriterTest, AFileThatShrankAfterItsSidecarIsFoundBeforeTheCommit) {
  ASSERT_TRUE(PrepareCheckpoint(fs_, kRoot, 20).ok());
  for (int w : {0, 1}) ASSERT_TRUE(Write(w, 2).ok());
  ASSERT_TRUE(disk_.Overwrite(CheckpointPath(kRoot, 20) + "/model_01.safetensors", [](std::string* bytes) { bytes->pop_back(); }).ok());
  EXPECT_EQ(Commit(2).status().code(), absl::StatusCode::kDataLoss);
}

TEST(CheckpointWriterOnDiskTest, ThreadsOfOneAttemptSaveTogetherOnARealDisk) {
  testing::TempFolder temp;
  files::FileSystem& fs = files::FileSystem::Posix();
  const std::string root = temp / "checkpoints";
  ASSERT_TRUE(PrepareCheckpoint(fs, root, 20).ok());
  std::vector<std::thread> threads;
  for (int w = 0; w < 3; ++w) {
    threads.emplace_back([&, w] {
      SampleShard part = MakeShard(20, w, 3);
      const Save save{.root = root, .step = 20, .nonce = "n", .worker = w, .workers = 3};
      EXPECT_TRUE(WriteShard(fs, save, part.files, part.ledger).ok());
      EXPECT_TRUE(w != 0 || CommitCheckpoint(fs, Clock::System(), save, {}, absl::Seconds(30)).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(VerifyCheckpoint(fs, CheckpointPath(root, 20)).ok());
  for (const std::string& dir : {temp.path(), root, CheckpointPath(root, 20)}) {
    auto location = Locate(fs, dir);
    ASSERT_TRUE(location.ok()) << location.status();
    EXPECT_EQ(location->root, root);
    EXPECT_EQ(location->step.has_value(), dir == CheckpointPath(root, 20));
  }
}

}  // namespace
}  // namespace deit::checkpoint
