#include "coordinator/supervise/line_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace deit::supervise {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineFollowerTest : public ::testing::Test {
 protected:
  void Add(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }
  testing::TempFolder folder_;
  std::string path_ = folder_ / "log";
};

TEST_F(LineFollowerTest, ReturnsEachWholeLineOnce) {
  LineFollower follower(path_);
  EXPECT_THAT(follower.NewLines(), IsEmpty()) << "no file yet";
  Add("one\ntwo\nthr");
  EXPECT_THAT(follower.NewLines(), ElementsAre("one", "two"));
  EXPECT_THAT(follower.NewLines(), IsEmpty());
  Add("ee\n\n");
  EXPECT_THAT(follower.NewLines(), ElementsAre("three", ""));
}

TEST_F(LineFollowerTest, SkipsWhatWasThere) {
  Add("one\ntwo\n");
  LineFollower follower(path_);
  follower.SkipToEnd();
  Add("three\n");
  EXPECT_THAT(follower.NewLines(), ElementsAre("three"));
}

TEST_F(LineFollowerTest, ALineWithoutEndIsPassedOverInTheEnd) {
  LineFollower follower(path_);
  Add(std::string(3 << 20, 'x'));
  for (int k = 0; k < 4; ++k) EXPECT_THAT(follower.NewLines(), IsEmpty());
  Add("\nnext\n");
  const auto lines = follower.NewLines();
  EXPECT_EQ(lines.back(), "next");
}

TEST_F(LineFollowerTest, LastLinesOfShortAndLongFiles) {
  EXPECT_THAT(LastLines(path_, 2), IsEmpty());
  Add("one\ntwo\nthree\n");
  EXPECT_THAT(LastLines(path_, 2), ElementsAre("two", "three"));
  EXPECT_THAT(LastLines(path_, 9), ElementsAre("one", "two", "three"));
  EXPECT_EQ(TailOf(path_, 6), "three\n");
}

}  // namespace
}  // namespace deit::supervise
