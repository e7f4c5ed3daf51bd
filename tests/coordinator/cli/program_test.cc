// deit-coord as users and scripts see it: exit codes, streams, messages.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/run_program.h"
#include "tests/support/temp_folder.h"

namespace deit {
namespace {

using testing::ChildResult;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TempFolder;

ChildResult Coord(std::vector<std::string> words, const std::string& folder = "/") {
  words.insert(words.begin(), DEIT_COORD);
  return testing::RunProgram(words, folder);
}

void ExpectFailure(const std::vector<std::string>& words, int exit_code, const std::string& err) {
  const ChildResult result = Coord(words);
  EXPECT_TRUE(result.ExitedWith(exit_code)) << result.status;
  EXPECT_EQ(result.err, err);
  EXPECT_EQ(result.out, "");
}

// A folder with one good job, one that differs in a RESULT and an EXECUTION field, and one that is wrong.
struct Jobs {
  TempFolder folder;
  Jobs() {
    std::ofstream(folder / "good.textproto") << "model { name: 'vit' }\n";
    std::ofstream(folder / "copy.textproto") << "# the same\nmodel { name: \"vit\" }\n";
    std::ofstream(folder / "other.textproto") << "model { name: 'vit' }\nlog_interval: 5\ntrain { epochs: 400 }\n";
    std::ofstream(folder / "wrong.textproto") << "model { name: 'vit' }\ntrain { epochs: 0 lanes: 3 }\n";
  }
  ChildResult Run(const std::vector<std::string>& words) const { return Coord(words, folder.path()); }
};

TEST(ProgramTest, UsageErrorsExit2AndSuggest) {
  ExpectFailure({}, 2, "deit-coord: error: no verb given\nhint: deit-coord help lists the verbs\n");
  ExpectFailure({"confg"}, 2, "deit-coord: error: unknown verb: confg, did you mean \"config\"\nhint: deit-coord help lists the verbs\n");
  ExpectFailure({"version", "--biuld"}, 2, "deit-coord: error: unknown flag: --biuld, did you mean \"--build\"\n");
  ExpectFailure({"config", "chekc"}, 2,
                "deit-coord: error: config: unknown action: chekc, did you mean \"check\"\nhint: deit-coord help config\n");
  ExpectFailure({"config", "check"}, 2, "deit-coord: error: no job file given\nhint: add --config=FILE\n");
  ExpectFailure({"config", "diff", "a"}, 2,
                "deit-coord: error: config diff: want two job files\nhint: deit-coord config diff A.textproto B.textproto\n");
  ExpectFailure({"config", "show", "--config=a", "-o", "jsn"}, 2,
                "deit-coord: error: --output: jsn: want one of textproto, json, did you mean \"json\"\n");
}

TEST(ProgramTest, EachVerbExplainsItselfOnStdout) {
  const ChildResult overview = Coord({"help"});
  EXPECT_TRUE(overview.ExitedWith(0));
  for (const std::string verb : {"config", "version", "help"}) {
    EXPECT_THAT(overview.out, HasSubstr("  " + verb + "  "));
    const ChildResult page = Coord({verb, "--help"});
    EXPECT_TRUE(page.ExitedWith(0));
    EXPECT_THAT(page.out, StartsWith("deit-coord " + verb + ": "));
    EXPECT_THAT(page.out, HasSubstr("\nexample"));
    EXPECT_EQ(page.err, "");
    EXPECT_EQ(page.out, Coord({"help", verb}).out);
    EXPECT_EQ(page.out, Coord({verb, "-h"}).out);
  }
  EXPECT_EQ(Coord({"--help"}).out, overview.out);
}

TEST(ProgramTest, VersionNamesTheLibraries) {
  EXPECT_THAT(Coord({"version"}).out, ::testing::MatchesRegex("deit [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const std::string build = Coord({"version", "--build"}).out;
  for (const char* name : {"compiler", "build", "sanitizers", "protobuf", "abseil"}) EXPECT_THAT(build, HasSubstr(name));
}

TEST(ProgramTest, ConfigCheckSaysValidOrEveryMistake) {
  const Jobs jobs;
  const ChildResult good = jobs.Run({"config", "check", "--config=good.textproto"});
  EXPECT_TRUE(good.ExitedWith(0)) << good.err;
  EXPECT_THAT(good.out, StartsWith("good.textproto: valid, digest of its fields "));
  const ChildResult wrong = jobs.Run({"config", "check", "--config", "wrong.textproto", "train.batch_size=x"});
  EXPECT_TRUE(wrong.ExitedWith(7));
  EXPECT_EQ(wrong.err,
            "wrong.textproto:2:17: error: train.epochs: 0: out of range: want 1 to 1000000\n"
            "wrong.textproto:2:26: error: train.lanes: 3: want a power of two, such as 2 or 4\n"
            "command line: error: train.batch_size: x: want a whole number\n");
  EXPECT_EQ(wrong.out, "");
  const ChildResult missing = jobs.Run({"config", "check", "--config=none.textproto"});
  EXPECT_TRUE(missing.ExitedWith(3));
  EXPECT_THAT(missing.err, StartsWith("deit-coord: error: job file: " + (jobs.folder / "none.textproto")));
}

TEST(ProgramTest, ConfigShowPrintsAJobFileWithTheSameMeaning) {
  const Jobs jobs;
  const ChildResult text = jobs.Run({"config", "show", "--config=other.textproto", "train.lanes=4"});
  EXPECT_TRUE(text.ExitedWith(0)) << text.err;
  EXPECT_THAT(text.out, StartsWith("# digest of the RESULT fields, without what weights and data files hold: "));
  EXPECT_THAT(text.out, HasSubstr("\n  lanes: 4\n"));
  EXPECT_THAT(text.out, HasSubstr("run_dir: \"" + (jobs.folder / "runs/other") + "\"\n"));
  std::ofstream(jobs.folder / "shown.textproto") << text.out;
  std::ofstream(jobs.folder / "shown.json") << jobs.Run({"config", "show", "--config=other.textproto", "--json", "train.lanes=4"}).out;
  for (const char* shown : {"shown.textproto", "shown.json"}) {
    const ChildResult again = jobs.Run({"config", "show", std::string("--config=") + shown});
    EXPECT_EQ(again.out, text.out) << again.err;
  }
}

TEST(ProgramTest, ConfigDiffIsZeroForTheSameAndOneForOthers) {
  const Jobs jobs;
  const ChildResult same = jobs.Run({"config", "diff", "good.textproto", "copy.textproto"});
  EXPECT_TRUE(same.ExitedWith(0)) << same.err;
  EXPECT_EQ(same.out, "");
  const ChildResult other = jobs.Run({"config", "diff", "good.textproto", "other.textproto"});
  EXPECT_TRUE(other.ExitedWith(1)) << other.err;
  EXPECT_EQ(other.out, "RESULT (other weights):\n  train.epochs: 300 -> 400\nEXECUTION (same weights):\n  log_interval: 50 -> 5\n");
  EXPECT_EQ(jobs.Run({"config", "diff", "good.textproto", "other.textproto", "-o", "json"}).out,
            "[\n  {\"path\": \"train.epochs\", \"before\": \"300\", \"after\": \"400\", \"effect\": \"RESULT\"},"
            "\n  {\"path\": \"log_interval\", \"before\": \"50\", \"after\": \"5\", \"effect\": \"EXECUTION\"}\n]\n");
  EXPECT_TRUE(jobs.Run({"config", "diff", "good.textproto", "wrong.textproto"}).ExitedWith(7));
}

TEST(ProgramTest, AClosedPipeEndsQuietly) {
  for (const auto disposition : {SIG_DFL, SIG_IGN}) {
    const ChildResult result = testing::RunChild([&] {
      int pipe_ends[2];
      if (::pipe(pipe_ends) != 0) ::_exit(99);
      ::close(pipe_ends[0]);
      ::dup2(pipe_ends[1], STDOUT_FILENO);
      ::signal(SIGPIPE, disposition);
      ::execl(DEIT_COORD, "deit-coord", "help", nullptr);
    });
    EXPECT_TRUE(result.KilledBy(SIGPIPE)) << result.status;
    EXPECT_EQ(result.err, "");
  }
}

TEST(ProgramTest, OutputThatCannotBeWrittenIsAFailure) {
  const ChildResult result = testing::RunChild([] {
    ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO);
    ::execl(DEIT_COORD, "deit-coord", "help", nullptr);
  });
  EXPECT_TRUE(result.ExitedWith(1));
  EXPECT_EQ(result.err, "deit-coord: error: standard output: cannot write: No space left on device\n");
}

}  // namespace
}  // namespace deit
