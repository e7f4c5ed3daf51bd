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
  ::unsetenv("COLUMNS");
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

}  // namespace
}  // namespace deit
