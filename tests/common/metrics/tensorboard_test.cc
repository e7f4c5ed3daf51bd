#include "common/metrics/tensorboard.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "tests/support/fake_clock.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::metrics {
namespace {

// RFC 3720, B.4.
TEST(Crc32cTest, AgreesWithThePublishedVectors) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

// The bytes that TensorBoard 2.21's own RecordWriter makes of this event, which is the first of every file.
TEST(TensorBoardRecordTest, FramesLikeTensorFlow) {
  tensorboard::Event event;
  event.set_wall_time(1);
  event.set_file_version("brain.Event:2");
  EXPECT_EQ(absl::BytesToHexString(TensorBoardRecord(event.SerializeAsString())),
            "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a");
}

TEST(TensorBoardWriterTest, AFileStartsWithItsVersionAndHoldsScalars) {
  testing::TempFolder folder;
  testing::FakeClock clock;
  auto writer = TensorBoardWriter::Open(folder.path(), 0, clock);
  ASSERT_TRUE(writer.ok());
  EXPECT_NE(writer->path().find("/events.out.tfevents.1790000000."), std::string::npos);
  ASSERT_TRUE(writer->AddScalars(3, {{kTagTrainLoss, 2.5}, {kTagTrainLr, 1e-3}}).ok());

  tensorboard::Event version;
  version.set_wall_time(1'790'000'000);
  version.set_file_version("brain.Event:2");
  tensorboard::Event scalars;
  scalars.set_wall_time(1'790'000'000);
  scalars.set_step(3);
  auto* loss = scalars.mutable_summary()->add_value();
  loss->set_tag("train/loss");
  loss->set_simple_value(2.5f);
  auto* lr = scalars.mutable_summary()->add_value();
  lr->set_tag("train/lr");
  lr->set_simple_value(1e-3f);
  EXPECT_EQ(testing::ReadFile(writer->path()),
            TensorBoardRecord(version.SerializeAsString()) + TensorBoardRecord(scalars.SerializeAsString()));
}

TEST(TensorBoardWriterTest, AZeroIsAValueToo) {
  testing::TempFolder folder;
  testing::FakeClock clock;
  auto writer = TensorBoardWriter::Open(folder.path(), 0, clock);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(writer->AddScalars(1, {{kTagTrainLr, 0.0}}).ok());
  EXPECT_NE(testing::ReadFile(writer->path()).find(std::string("\x0a\x08train/lr\x15\0\0\0\0", 15)), std::string::npos);
}

TEST(TensorBoardWriterTest, AResumedFileSaysWhereItStarts) {
  testing::TempFolder folder;
  testing::FakeClock clock;
  auto writer = TensorBoardWriter::Open(folder.path(), 120, clock);
  ASSERT_TRUE(writer.ok());
  tensorboard::Event start;
  start.set_wall_time(1'790'000'000);
  start.set_step(120);
  start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  EXPECT_NE(testing::ReadFile(writer->path()).find(TensorBoardRecord(start.SerializeAsString())), std::string::npos);
}

}  // namespace
}  // namespace deit::metrics
