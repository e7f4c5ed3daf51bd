// What holds for every verb in the table.
#include "coordinator/cli/verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace deit::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The words of an example up to a pipe or another command.
std::vector<std::string> WordsOf(const std::string& example) {
  std::vector<std::string> words;
  for (absl::string_view word : absl::StrSplit(example, ' ', absl::SkipEmpty())) {
    if (word == "|" || word == "&&" || word == "#") break;
    words.emplace_back(word);
  }
  return words;
}

TEST(VerbsTest, EachHelpFitsAScreenAndHasAnExample) {
  for (const Verb* verb : AllVerbs()) {
    const std::string help = HelpOf(*verb);
    const std::vector<std::string> lines = absl::StrSplit(help, '\n');
    EXPECT_LE(lines.size(), 40u) << verb->name;
    for (const std::string& line : lines) EXPECT_LE(line.size(), 120u) << line;
    EXPECT_THAT(verb->examples, Not(IsEmpty())) << verb->name;
    EXPECT_THAT(help, HasSubstr("\nexample"));
  }
}

TEST(VerbsTest, EachExampleIsOfItsVerbAndItsFlagsExist) {
  for (const Verb* verb : AllVerbs()) {
    for (const std::string& example : verb->examples) {
      EXPECT_THAT(example, HasSubstr("deit-coord " + verb->name)) << example;
      if (!absl::StartsWith(example, "deit-coord ")) continue;  // source <(deit-coord ...)
      const std::vector<std::string> words = WordsOf(example);
      const auto parsed = Arguments::Parse(absl::MakeConstSpan(words).subspan(2), verb->flags);
      EXPECT_TRUE(parsed.ok()) << example << ": " << parsed.status();
    }
  }
}

TEST(VerbsTest, EachUsageLineAndSummaryIsOfTheSameStyle) {
  std::set<std::string> names;
  for (const Verb* verb : AllVerbs()) {
    EXPECT_TRUE(names.insert(verb->name).second) << verb->name;
    EXPECT_THAT(verb->usage, Not(IsEmpty())) << verb->name;
    for (const std::string& line : verb->usage) EXPECT_EQ(WordsOf(line)[0], verb->name);
    EXPECT_TRUE(absl::ascii_islower(static_cast<unsigned char>(verb->summary[0]))) << verb->summary;
    EXPECT_NE(verb->summary.back(), '.') << verb->summary;
    EXPECT_EQ(*FindVerb(verb->name), verb);
  }
}

TEST(VerbsTest, EachFlagThatAUsageLineShowsExists) {
  for (const Verb* verb : AllVerbs()) {
    for (const std::string& line : verb->usage) {
      for (const absl::string_view word : absl::StrSplit(line, absl::ByAnyChar(" [|"), absl::SkipEmpty())) {
        if (!absl::StartsWith(word, "--")) continue;
        const absl::string_view name = word.substr(2, word.find_first_of("=]", 2) - 2);
        const auto known = std::find_if(verb->flags.begin(), verb->flags.end(), [&](const Flag& flag) { return flag.name == name; });
        EXPECT_NE(known, verb->flags.end()) << line << ": " << name;
      }
    }
  }
}

}  // namespace
}  // namespace deit::cli
