#include "common/base/terminal.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/support/child_process.h"

namespace deit {
namespace {

using testing::ChildOutput;
using testing::RunChild;

void UseTerminal() {
  ::setenv("TERM", "xterm", 1);
  for (const char* name : {"COLUMNS", "LINES", "NO_COLOR"}) ::unsetenv(name);
  ::unsetenv("OMPI_COMM_WORLD_RANK");
}

// Prints what a process with such a stdout, and an mpirun above it where `launcher` says so, makes of its streams.
std::string Seen(ChildOutput outer, ChildOutput inner, bool launcher) {
  const auto child = RunChild(
      [&] {
        UseTerminal();
        if (launcher) {
          ::prctl(PR_SET_NAME, "mpirun");
          ::setenv("OMPI_COMM_WORLD_RANK", "0", 1);
        }
        const auto worker = RunChild(
            [] {
              const std::string text =
                  CanRewriteLines(STDOUT_FILENO) ? "rewrites " + std::to_string(TerminalWidth(STDOUT_FILENO)) : "plain";
              [[maybe_unused]] const auto n = ::write(STDOUT_FILENO, text.data(), text.size());
            },
            inner, /*columns=*/100);
        [[maybe_unused]] const auto n = ::write(STDOUT_FILENO, worker.out.data(), worker.out.size());
      },
      outer, /*columns=*/50);
  return child.out;
}

TEST(TerminalTest, APipeIsPlain) { EXPECT_EQ(Seen(ChildOutput::kTerminal, ChildOutput::kPipe, false), "plain"); }

TEST(TerminalTest, ATerminalRewritesInItsOwnWidth) { EXPECT_EQ(Seen(ChildOutput::kPipe, ChildOutput::kTerminal, false), "rewrites 100"); }

TEST(TerminalTest, UnderMpirunItsOwnStdoutCounts) {
  EXPECT_EQ(Seen(ChildOutput::kPipe, ChildOutput::kTerminal, true), "plain");
  EXPECT_EQ(Seen(ChildOutput::kTerminal, ChildOutput::kTerminal, true), "rewrites 50");
  EXPECT_EQ(Seen(ChildOutput::kTerminal, ChildOutput::kPipe, true), "plain");
}

TEST(TerminalTest, ALauncherOnAnotherHostIsPlain) {
  const auto child = RunChild(
      [] {
        UseTerminal();
        ::setenv("OMPI_COMM_WORLD_RANK", "0", 1);  // and no mpirun above us
        ::_exit(CanRewriteLines(STDOUT_FILENO) ? 1 : 0);
      },
      ChildOutput::kTerminal);
  EXPECT_TRUE(child.ExitedWith(0));
}

// What a child on a terminal says of colour and height; `prepare` may change its environment.
std::string ColorAndHeight(void (*prepare)(), ChildOutput output = ChildOutput::kTerminal) {
  return RunChild(
             [prepare] {
               UseTerminal();
               prepare();
               const std::string text =
                   (CanShowColor(STDOUT_FILENO) ? "colour " : "plain ") + std::to_string(TerminalHeight(STDOUT_FILENO));
               [[maybe_unused]] const auto n = ::write(STDOUT_FILENO, text.data(), text.size());
             },
             output)
      .out;
}

TEST(TerminalTest, ColourNeedsATerminalAndNobodyWhoObjects) {
  EXPECT_EQ(ColorAndHeight([] {}), "colour 24");
  EXPECT_EQ(ColorAndHeight([] { ::setenv("NO_COLOR", "", 1); }), "colour 24") << "an empty NO_COLOR says nothing";
  EXPECT_EQ(ColorAndHeight([] { ::setenv("NO_COLOR", "1", 1); }), "plain 24");
  EXPECT_EQ(ColorAndHeight([] { ::setenv("TERM", "dumb", 1); }), "plain 24");
  EXPECT_EQ(ColorAndHeight([] {}, ChildOutput::kPipe), "plain 24");
  EXPECT_EQ(ColorAndHeight([] { ::setenv("LINES", "50", 1); }), "colour 50");
}

}  // namespace
}  // namespace deit
