#include "common/metrics/summary_csv.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::metrics {
namespace {

constexpr char kHeader[] = "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n";

void Append(const std::string& path, int first_epoch, const EpochRow& row, bool with_ema = false) {
  auto csv = SummaryCsv::Open(path, first_epoch, with_ema);
  ASSERT_TRUE(csv.ok()) << csv.status();
  ASSERT_TRUE(csv->Append(row).ok());
}

TEST(SummaryCsvTest, HasTimmsColumnsAndOneRowPerEpoch) {
  testing::TempFolder folder;
  const std::string path = folder / "summary.csv";
  Append(path, 0, {.epoch = 0, .train_loss = 2.5, .eval = {2.25, 40.1, 80}, .lr = 4.9e-4, .eval_ema = {}});
  Append(path, 1, {.epoch = 1, .train_loss = 1.5, .eval = {}, .lr = 1e-5, .eval_ema = {}});
  Append(path, 2, {.epoch = 2, .train_loss = {}, .eval = {2, 50, 90}, .lr = 1e-5, .eval_ema = {}});
  EXPECT_EQ(testing::ReadFile(path), std::string(kHeader) + "0,2.5,2.25,40.1,80,0.00049\n1,1.5,,,,1e-05\n2,,2,50,90,1e-05\n");
}

TEST(SummaryCsvTest, TheAveragedWeightsHaveColumnsOfTheirOwn) {
  testing::TempFolder folder;
  const std::string path = folder / "summary.csv";
  Append(path, 0, {.epoch = 0, .train_loss = 2.5, .eval = {2.25, 40.1, 80}, .lr = 1, .eval_ema = {2, 41, 81}}, true);
  Append(path, 1, {.epoch = 1, .train_loss = 2, .eval = {}, .lr = 1, .eval_ema = {}}, true);
  const std::string header = "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr,eval_ema_loss,eval_ema_top1,eval_ema_top5\n";
  EXPECT_EQ(testing::ReadFile(path), header + "0,2.5,2.25,40.1,80,1,2,41,81\n1,2,,,,1,,,\n");
}

TEST(SummaryCsvTest, IsCutBackToTheEpochThatRunsNext) {
  testing::TempFolder folder;
  const std::string path = folder / "summary.csv";
  std::ofstream(path) << kHeader << "0,2,,,,1\n1,2,,,,1\n2,2,,,,1\n3,2,";
  Append(path, 1, {.epoch = 1, .train_loss = 9, .eval = {}, .lr = 1, .eval_ema = {}});
  EXPECT_EQ(testing::ReadFile(path), std::string(kHeader) + "0,2,,,,1\n1,9,,,,1\n");
}

TEST(SummaryCsvTest, ATornHeaderIsWrittenAnew) {
  testing::TempFolder folder;
  const std::string path = folder / "summary.csv";
  std::ofstream(path) << "epoch,tra";
  ASSERT_TRUE(SummaryCsv::Open(path, 0, false).ok());
  EXPECT_EQ(testing::ReadFile(path), kHeader);
}

TEST(SummaryCsvTest, AnotherVersionsFileIsSetAside) {
  testing::TempFolder folder;
  const std::string path = folder / "summary.csv";
  std::ofstream(path) << "epoch,loss\n0,1\n";
  ASSERT_TRUE(SummaryCsv::Open(path, 1, false).ok());
  EXPECT_EQ(testing::ReadFile(path), kHeader);
  EXPECT_EQ(testing::ReadFile(path + ".old"), "epoch,loss\n0,1\n");
}

}  // namespace
}  // namespace deit::metrics
