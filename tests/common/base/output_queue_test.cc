#include "common/base/output_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "common/base/log.h"
#include "tests/support/child_process.h"

namespace deit {
namespace {

using testing::ChildResult;
using ::testing::MatchesRegex;
using testing::RunChild;

TEST(OutputQueueTest, KeepsTheOrderOfBothStreams) {
  const ChildResult child = RunChild([] {
    StartOutputQueue();
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    for (int i = 0; i < 100; ++i) {
      PrintLine("result");
      LogInfo("note");
    }
    if (!FlushOutput(absl::Seconds(10)) || OutputWaits()) ::_exit(1);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += "result\ndeit: note\n";
  EXPECT_EQ(child.err, expected);
}

// A pipe that is full and not read: Ctrl-S, a pager, a stalled connection.
TEST(OutputQueueTest, AReaderThatDoesNotReadHoldsNoWriterUp) {
  const ChildResult child = RunChild([] {
    const int real = ::dup(STDERR_FILENO);
    int pipe[2];
    if (::pipe(pipe) != 0) ::_exit(1);
    ::dup2(pipe[1], STDERR_FILENO);
    StartOutputQueue();
    for (int i = 0; i < 3000; ++i) LogInfo(std::string(1000, 'x'));  // the kernel takes 64 KiB
    if (!OutputWaits() || FlushOutput(absl::Milliseconds(10))) ::_exit(2);
    LogError("the last one");
    ::close(pipe[1]);
    std::string text(4 << 20, '\0'), all;
    while (all.find("the last one\n") == std::string::npos) {
      all.append(text.data(), static_cast<size_t>(::read(pipe[0], text.data(), text.size())));
    }
    if (!FlushOutput(absl::Seconds(10))) ::_exit(3);
    const size_t dropped = all.find(" lines were dropped: not read in time)\n");
    if (dropped == std::string::npos || all.size() > (2 << 20)) ::_exit(4);
    const size_t begin = all.rfind('(', dropped);
    WriteOutput(real, all.substr(begin, all.find('\n', dropped) + 1 - begin));
    if (!FlushOutput(absl::Seconds(10))) ::_exit(5);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
  EXPECT_THAT(child.err, MatchesRegex("\\([0-9]+ lines were dropped: not read in time\\)\n"));
}

TEST(OutputQueueTest, AClosedStreamIsNoError) {
  const ChildResult child = RunChild([] {
    ::signal(SIGPIPE, SIG_IGN);
    int pipe[2];
    if (::pipe(pipe) != 0) ::_exit(1);
    ::close(pipe[0]);
    StartOutputQueue();
    WriteOutput(pipe[1], "not read\n");
    PrintLine("done");
    if (!FlushOutput(absl::Seconds(10))) ::_exit(2);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
  EXPECT_EQ(child.out, "done\n");
}

}  // namespace
}  // namespace deit
