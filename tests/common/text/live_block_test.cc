#include "common/text/live_block.h"

#include <gtest/gtest.h>

namespace deit::text {
namespace {

constexpr size_t kWidth = 80, kHeight = 24;

TEST(LiveBlockTest, ReplacesItsLinesInPlace) {
  LiveBlock block;
  EXPECT_EQ(block.Draw({"one", "two"}, kWidth, kHeight), "one\033[K\ntwo\033[K\n\033[J");
  EXPECT_EQ(block.Draw({"1"}, kWidth, kHeight), "\r\033[2A1\033[K\n\033[J") << "the second line is erased";
  EXPECT_EQ(block.Draw({"a", "b", "c"}, kWidth, kHeight), "\r\033[1Aa\033[K\nb\033[K\nc\033[K\n\033[J");
}

TEST(LiveBlockTest, AnotherSizeBeginsANewScreen) {
  LiveBlock block;
  block.Draw({"one"}, kWidth, kHeight);
  EXPECT_EQ(block.Draw({"one"}, kWidth - 1, kHeight), "\033[H\033[2Jone\033[K\n\033[J");
  EXPECT_EQ(block.Draw({"one"}, kWidth - 1, kHeight), "\r\033[1Aone\033[K\n\033[J");
}

TEST(LiveBlockTest, WhatDoesNotFitIsCounted) {
  LiveBlock block;
  EXPECT_EQ(block.Draw({"1", "2", "3"}, kWidth, 4), "1\033[K\n2\033[K\n3\033[K\n\033[J");
  EXPECT_EQ(block.Draw({"1", "2", "3", "4"}, kWidth, 4), "\r\033[3A1\033[K\n2\033[K\n... 2 more\033[K\n\033[J");
}

TEST(LiveBlockTest, NoLineWraps) {
  EXPECT_EQ(LiveBlock().Draw({"abcdef"}, 3, kHeight), "abc\033[K\n\033[J");
  EXPECT_EQ(LiveBlock().Draw({"a\033[31mbcd\033[0me"}, 3, kHeight), "a\033[31mbc\033[0m\033[K\n\033[J");
  EXPECT_EQ(LiveBlock().Draw({"a\033[31mbc\033[0m"}, 3, kHeight), "a\033[31mbc\033[0m\033[K\n\033[J") << "colour takes no room";
  EXPECT_EQ(LiveBlock().Draw({"\xC3\xA4\xC3\xA4\xC3\xA4"}, 2, kHeight), "\xC3\xA4\xC3\xA4\033[K\n\033[J");
  EXPECT_EQ(LiveBlock().Draw({"ab\033["}, 9, 1), "ab\033[\033[K\n\033[J") << "an unfinished sequence ends with its line";
}

}  // namespace
}  // namespace deit::text
