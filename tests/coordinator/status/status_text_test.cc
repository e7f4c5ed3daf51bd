#include "coordinator/status/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_join.h"
#include "coordinator/status/job_status.h"
#include "tests/coordinator/status/sample_jobs.h"

namespace deit::status {
namespace {

using ::testing::HasSubstr;

std::string Table(const text::Look& look, Columns columns = Columns::kDefault) {
  return absl::StrCat(absl::StrJoin(StatusTable(MakeReport(SampleJobs(), {}, kNow), columns, look), "\n"), "\n");
}

std::string Golden(const std::string& name) {
  std::ifstream file(std::string(DEIT_GOLDEN_FOLDER) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(StatusTextTest, TheTableWithoutATerminal) { EXPECT_EQ(Table({}), Golden("table.txt")); }

TEST(StatusTextTest, TheTableAt200Columns) { EXPECT_EQ(Table({.width = 200}), Golden("table.txt")); }

TEST(StatusTextTest, TheTableAt120Columns) { EXPECT_EQ(Table({.width = 120}), Golden("table_120.txt")); }

TEST(StatusTextTest, TheTableAt80Columns) { EXPECT_EQ(Table({.width = 80}), Golden("table_80.txt")); }

TEST(StatusTextTest, TheWideTable) { EXPECT_EQ(Table({}, Columns::kWide), Golden("wide.txt")); }

TEST(StatusTextTest, NoLineIsWiderThanItsTerminalAndIdsAreWhole) {
  for (size_t width = 60; width < 200; ++width) {
    for (const std::string& line : StatusTable(MakeReport(SampleJobs(), {}, kNow), Columns::kDefault, {.width = width})) {
      EXPECT_LE(line.size(), width) << line;
    }
    EXPECT_THAT(Table({.width = width}), HasSubstr("\n7f3a0001  "));
  }
}

TEST(StatusTextTest, ColourFollowsTheState) {
  const std::string table = Table({.color = true});
  for (const char* colored : {"\033[32mRUNNING\033[0m", "\033[33mRUNNING\033[0m", "\033[33mRECOVERING\033[0m", "\033[31mFAILED\033[0m",
                              "\033[31mLOST\033[0m", "\033[2mSUCCEEDED\033[0m", "\033[31mnan\033[0m"}) {
    EXPECT_THAT(table, HasSubstr(colored));
  }
}

TEST(StatusTextTest, TheNextStepIsTheFirstHintThereIs) {
  EXPECT_EQ(NextStep({}), "deit-coord run --config=FILE --np=2 starts a job");
  EXPECT_EQ(NextStep(MakeReport(SampleJobs(), {}, kNow)), "job 0c010003: deit-coord run --run_dir=/runs/unsupervised takes it over");
  EXPECT_EQ(NextStep(MakeReport({SampleJobs()[0]}, {}, kNow)), "");
}

}  // namespace
}  // namespace deit::status
