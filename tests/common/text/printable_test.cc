#include "common/text/printable.h"

#include <gtest/gtest.h>

namespace deit::text {
namespace {

TEST(PrintableTest, NothingInANameMovesACursor) {
  EXPECT_EQ(Printable("deit-ti \xE2\x86\x92 \xC3\xA4"), "deit-ti \xE2\x86\x92 \xC3\xA4");
  EXPECT_EQ(Printable("a\033[2Jb\nc\td\x7F"), "a?[2Jb?c?d?");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "2J"),
            "?2J")
      << "C1's own control sequence introducer";
  EXPECT_EQ(Printable("\xFFx\xE2\x86"), "?x??");
  EXPECT_EQ(Printable(absl::string_view("\0", 1)), "?");
}

TEST(PrintableTest, WidthCountsCharacters) {
  EXPECT_EQ(Width(""), 0u);
  EXPECT_EQ(Width("abc"), 3u);
  EXPECT_EQ(Width("\xC3\xA4\xE2\x86\x92"), 2u);
}

TEST(PrintableTest, CutTextIsAsLongAsThereIsRoom) {
  EXPECT_EQ(CutTo("abcdef", 6), "abcdef");
  EXPECT_EQ(CutTo("abcdefg", 6), "abc...");
  EXPECT_EQ(CutTo("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4", 4), "\xC3\xA4...");
  EXPECT_EQ(CutTo("abcdef", 3), "...");
}

}  // namespace
}  // namespace deit::text
