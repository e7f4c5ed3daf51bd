#include "common/json/json_text.h"

#include <gtest/gtest.h>

namespace deit::json {
namespace {

TEST(JsonTextTest, QuotingEscapesAndRepairs) {
  EXPECT_EQ(JsonQuote("a\"b\\c\n\t\x01"), R"("a\"b\\c\n\u0009\u0001")");
  EXPECT_EQ(JsonQuote("größe €😀"), "\"größe €😀\"");
  EXPECT_EQ(JsonQuote("\xff"
                      "a"
                      "\xc3"),
            R"("\ufffda\ufffd")");
  EXPECT_EQ(JsonQuote("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");  // a surrogate
}

TEST(JsonTextTest, Utf8IsCheckedCharacterByCharacter) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("größe €😀"));
  for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\xff"})
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  EXPECT_EQ(Utf8Length("€x"), 3u);
}

}  // namespace
}  // namespace deit::json
