#include "common/metrics/metrics_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "common/json/message_json.h"
#include "tests/support/temp_folder.h"

namespace deit::metrics {
namespace {

v1::StepMetrics Step(int64_t step) {
  v1::StepMetrics metrics;
  metrics.set_step(step);
  metrics.set_loss(1.0 / static_cast<double>(step + 1));
  return metrics;
}

// The steps that stand in the file; every line must be whole.
std::vector<int64_t> Steps(const std::string& path) {
  std::ifstream file(path);
  std::vector<int64_t> steps;
  for (std::string line; std::getline(file, line);) {
    v1::StepMetrics metrics;
    EXPECT_TRUE(json::FromJson(line, &metrics).ok()) << line;
    EXPECT_EQ(metrics.loss(), 1.0 / static_cast<double>(metrics.step() + 1));
    steps.push_back(metrics.step());
  }
  return steps;
}

void Train(const std::string& path, int64_t first, int64_t end, int64_t removed) {
  auto log = MetricsLog::Open(path, first);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->steps_removed(), removed);
  for (int64_t step = first; step < end; ++step) ASSERT_TRUE(log->Append(Step(step)).ok());
}

TEST(MetricsLogTest, EachStepStandsThereOnceOverRestarts) {
  testing::TempFolder folder;
  const std::string path = folder / "metrics.jsonl";
  Train(path, 0, 7, 0);
  Train(path, 4, 6, 3);  // resumed from step 4: 4, 5, 6 were in vain
  Train(path, 6, 8, 0);
  EXPECT_EQ(Steps(path), (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  Train(path, 0, 2, 8);  // from the beginning
  EXPECT_EQ(Steps(path), (std::vector<int64_t>{0, 1}));
}

TEST(MetricsLogTest, ALineIsInTheFileAtOnce) {
  testing::TempFolder folder;
  auto log = MetricsLog::Open(folder / "m", 0);
  ASSERT_TRUE(log.ok());
  ASSERT_TRUE(log->Append(Step(0)).ok());
  EXPECT_EQ(Steps(folder / "m").size(), 1u);
}

TEST(MetricsLogTest, ATornOrDamagedEndIsRemoved) {
  testing::TempFolder folder;
  for (const char* end : {"{\"step\":3,\"ti", "{\"step\":3,\"ti\n", "\n", "garbage\n{\"step\":3"}) {
    const std::string path = folder / "metrics.jsonl";
    std::ofstream(path) << json::ToJsonLine(Step(0)) << "\n" << json::ToJsonLine(Step(1)) << "\n" << end;
    ASSERT_TRUE(MetricsLog::Open(path, 2).ok());
    EXPECT_EQ(Steps(path), (std::vector<int64_t>{0, 1})) << end;
  }
}

TEST(MetricsLogDeathTest, AStepNeverComesTwice) {
  testing::TempFolder folder;
  auto log = MetricsLog::Open(folder / "m", 5);
  ASSERT_TRUE(log.ok());
  EXPECT_DEATH(static_cast<void>(log->Append(Step(4))), "step 4 after step 4");
}

}  // namespace
}  // namespace deit::metrics
