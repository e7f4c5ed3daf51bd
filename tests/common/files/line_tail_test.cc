#include "common/files/line_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "tests/support/temp_folder.h"

namespace deit::files {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineTailTest : public ::testing::Test {
 protected:
  void Append(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }

  std::vector<std::string> Read(LineTail& tail) {
    std::vector<std::string> lines;
    EXPECT_TRUE(tail.Read([&](absl::string_view line) { lines.emplace_back(line); }).ok());
    return lines;
  }
  std::vector<std::string> ReadToEnd(LineTail& tail) {
    std::vector<std::string> lines;
    EXPECT_TRUE(tail.ReadToEnd([&](absl::string_view line) { lines.emplace_back(line); }).ok());
    return lines;
  }
  std::vector<std::string> Last(uint64_t count) {
    LineTail tail(FileSystem::Posix(), path_);
    EXPECT_TRUE(tail.SkipTo(count).ok());
    return ReadToEnd(tail);
  }

  testing::TempFolder folder_;
  std::string path_ = folder_ / "log";
};

TEST_F(LineTailTest, GivesEachLineOnceAndWhole) {
  LineTail tail(FileSystem::Posix(), path_);
  EXPECT_THAT(Read(tail), IsEmpty()) << "no file yet";
  Append("one\ntw");
  EXPECT_THAT(Read(tail), ElementsAre("one"));
  EXPECT_THAT(Read(tail), IsEmpty());
  Append("o\n\nthr");
  EXPECT_THAT(Read(tail), ElementsAre("two", ""));
  EXPECT_THAT(ReadToEnd(tail), ElementsAre("thr"));
  EXPECT_THAT(ReadToEnd(tail), IsEmpty());
}

TEST_F(LineTailTest, BeginsAtTheLastLines) {
  EXPECT_THAT(Last(3), IsEmpty());
  Append("one\ntwo\nthree\n");
  EXPECT_THAT(Last(0), IsEmpty());
  EXPECT_THAT(Last(1), ElementsAre("three"));
  EXPECT_THAT(Last(2), ElementsAre("two", "three"));
  EXPECT_THAT(Last(3), ElementsAre("one", "two", "three"));
  EXPECT_THAT(Last(99), ElementsAre("one", "two", "three"));
  Append("torn");
  EXPECT_THAT(Last(1), ElementsAre("torn"));
  EXPECT_THAT(Last(2), ElementsAre("three", "torn"));
}

TEST_F(LineTailTest, LongFilesAreReadInPieces) {
  std::vector<std::string> lines;
  for (int i = 0; i < 3000; ++i) lines.push_back(std::string(static_cast<size_t>(i % 97), 'x') + std::to_string(i));
  for (const std::string& line : lines) Append(line + "\n");
  LineTail tail(FileSystem::Posix(), path_);
  EXPECT_EQ(Read(tail), lines);
  for (const uint64_t count : {uint64_t{1}, uint64_t{1200}, uint64_t{2999}, uint64_t{3000}}) {
    EXPECT_EQ(Last(count), std::vector<std::string>(lines.end() - static_cast<std::ptrdiff_t>(count), lines.end())) << count;
  }
}

TEST_F(LineTailTest, ALineWithoutEndComesInPieces) {
  Append(std::string(3 * LineTail::kMaxLine / 2, 'x'));
  LineTail tail(FileSystem::Posix(), path_);
  EXPECT_THAT(Read(tail), ElementsAre(std::string(LineTail::kMaxLine, 'x')));
  EXPECT_THAT(ReadToEnd(tail), ElementsAre(std::string(LineTail::kMaxLine / 2, 'x')));
}

}  // namespace
}  // namespace deit::files
