#include "common/metrics/cut_back.h"

#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/numbers.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::metrics {
namespace {

class CutBackTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  std::string Text() { return testing::ReadFile(path_); }
  // Keeps lines that are numbers below `limit`.
  int64_t CutBack(int limit) {
    const auto removed = CutBackLines(path_, [limit](absl::string_view line) {
      int number = 0;
      return absl::SimpleAtoi(line, &number) && number < limit;
    });
    EXPECT_TRUE(removed.ok()) << removed.status();
    return removed.value_or(-1);
  }

  testing::TempFolder folder_;
  std::string path_ = folder_ / "lines";
};

TEST_F(CutBackTest, EndsAfterTheLastLineToKeep) {
  Write("1\n2\n3\n4\n");
  EXPECT_EQ(CutBack(3), 2);
  EXPECT_EQ(Text(), "1\n2\n");
}

TEST_F(CutBackTest, RemovesATornLastLineWhateverItSays) {
  Write("1\n2\n3");
  EXPECT_EQ(CutBack(10), 0);  // whole lines only are counted
  EXPECT_EQ(Text(), "1\n2\n");
}

TEST_F(CutBackTest, ATornLineAloneLeavesNothing) {
  Write("12");
  EXPECT_EQ(CutBack(100), 0);
  EXPECT_EQ(Text(), "");
}

TEST_F(CutBackTest, DamageAtTheEndGoes) {
  Write(std::string("1\n2\n") + std::string(10'000, '\0') + "\n\nx\n");
  EXPECT_EQ(CutBack(10), 3);
  EXPECT_EQ(Text(), "1\n2\n");
}

TEST_F(CutBackTest, KeepsAllAndNothing) {
  Write("1\n2\n");
  EXPECT_EQ(CutBack(3), 0);
  EXPECT_EQ(Text(), "1\n2\n");
  EXPECT_EQ(CutBack(0), 2);
  EXPECT_EQ(Text(), "");
  EXPECT_EQ(CutBack(0), 0);
}

TEST_F(CutBackTest, NoFileIsFine) { EXPECT_EQ(CutBack(1), 0); }

TEST_F(CutBackTest, LinesMayBeLongerThanAReadAndEndAnywhereInIt) {
  for (int zeros = 4080; zeros < 4110; ++zeros) {
    const std::string first = "1        \n";
    const std::string second = std::string(static_cast<size_t>(zeros), '0') + "2\n";
    const std::string third = std::string(static_cast<size_t>(zeros), '0') + "7\n";
    Write(first + second + third);
    EXPECT_EQ(CutBack(5), 1);
    EXPECT_EQ(Text(), first + second);
  }
}

}  // namespace
}  // namespace deit::metrics
