#include "coordinator/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/cli/exit_code.h"

namespace deit::cli {
namespace {

using ::testing::ElementsAre;
using Words = std::vector<std::string>;

const std::vector<Flag> kFlags = {
    {.name = "config", .value = "FILE", .help = ""},
    {.name = "max_restarts", .value = "N", .help = ""},
    {.name = "output", .value = "FORMAT", .help = "", .letter = 'o'},
    {.name = "json", .value = "", .help = ""},
    {.name = "watch", .value = "SECONDS", .help = "", .implied = "2"},
};

Arguments Parse(const Words& words) {
  const auto arguments = Arguments::Parse(words, kFlags);
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  return arguments.ok() ? *arguments : Arguments();
}

std::string MistakeOf(const Words& words) {
  const Status status = Arguments::Parse(words, kFlags).status();
  EXPECT_EQ(VerbExitOf(status), VerbExit::kUsage);
  return std::string(status.message());
}

TEST(ArgumentsTest, FlagsStandAnywhereInEverySpelling) {
  EXPECT_EQ(Parse({"--config=a"}).Value("config"), "a");
  EXPECT_EQ(Parse({"--config", "a", "b"}).Value("config"), "a");
  EXPECT_EQ(Parse({"x", "--max-restarts=3"}).Value("max_restarts"), "3");
  EXPECT_EQ(Parse({"--max_restarts", "-3"}).Value("max_restarts"), "-3");
  EXPECT_EQ(Parse({"-o", "json"}).Value("output"), "json");
  EXPECT_EQ(Parse({"-o=json"}).Value("output"), "json");
  EXPECT_EQ(Parse({"--config=a=b"}).Value("config"), "a=b");
  EXPECT_EQ(Parse({"--config="}).Value("config"), "");
  EXPECT_TRUE(Parse({"x", "--json"}).Has("json"));
  EXPECT_FALSE(Parse({"x"}).Has("json"));
  EXPECT_FALSE(Parse({"x"}).Value("config").has_value());
}

TEST(ArgumentsTest, AValueThatMayBeLeftOutIsGivenWithAnEqualsSignOnly) {
  EXPECT_EQ(Parse({"--watch"}).Value("watch"), "2");
  EXPECT_EQ(Parse({"--watch=0.5"}).Value("watch"), "0.5");
  EXPECT_EQ(Parse({"--watch", "5"}).Value("watch"), "2");
  EXPECT_THAT(Parse({"--watch", "5"}).words(), ElementsAre("5"));
}

TEST(ArgumentsTest, TheLastOfARepeatedFlagCounts) { EXPECT_EQ(Parse({"--config=a", "--config=b"}).Value("config"), "b"); }

TEST(ArgumentsTest, WordsAndOverridesAreToldApart) {
  const Arguments arguments = Parse({"show", "train.epochs=2", "--json", "name=a b=c", "./a=b", "=x", "-"});
  EXPECT_THAT(arguments.words(), ElementsAre("show", "./a=b", "=x", "-"));
  EXPECT_THAT(arguments.overrides(), ElementsAre("train.epochs=2", "name=a b=c"));
}

TEST(ArgumentsTest, TwoDashesEndTheFlags) { EXPECT_THAT(Parse({"--", "--json"}).words(), ElementsAre("--json")); }

TEST(ArgumentsTest, MistakesNameTheFlag) {
  EXPECT_EQ(MistakeOf({"--confg=a"}), "unknown flag: --confg, did you mean \"--config\"");
  EXPECT_EQ(MistakeOf({"--max-restart=a"}), "unknown flag: --max-restart, did you mean \"--max_restarts\"");
  EXPECT_EQ(MistakeOf({"--zzzzzz"}), "unknown flag: --zzzzzz");
  EXPECT_EQ(MistakeOf({"-x"}), "unknown flag: -x");
  EXPECT_EQ(MistakeOf({"--config"}), "--config: value missing: --config=FILE");
  EXPECT_EQ(MistakeOf({"--json=yes"}), "--json: takes no value");
}

}  // namespace
}  // namespace deit::cli
