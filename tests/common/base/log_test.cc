#include "common/base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "tests/support/child_process.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit {
namespace {

using ::deit::testing::ChildResult;
using ::deit::testing::RunChild;
using ::deit::testing::TempFolder;
using ::testing::HasSubstr;
using ::testing::Not;

int OpenCopy(const std::string& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644); }

TEST(LogTest, LinesHaveANameAndNoPrefixOfGlogs) {
  const ChildResult child = RunChild([] {
    LogInfo("before a name");
    SetLogName("deit-worker[2]");
    LogInfo("epoch done");
    LogWarning("slow disk");
    LogError("train.epochs: -1: must be at least 1");
    PrintLine("finished");
  });
  EXPECT_EQ(child.err,
            "deit: before a name\ndeit-worker[2]: epoch done\ndeit-worker[2]: warning: slow disk\n"
            "deit-worker[2]: error: train.epochs: -1: must be at least 1\n");
  EXPECT_EQ(child.out, "finished\n");
}

TEST(LogTest, CopiesHoldEachLineOfTheirStream) {
  TempFolder folder;
  const ChildResult child = RunChild([&] {
    SetLogCopies(OpenCopy(folder / "out"), OpenCopy(folder / "err"));
    LogWarning("slow disk");
    PrintLine("shown and copied");
    CopyOutputLine("copied only");
    SetLogCopies(-1, -1);
    PrintLine("shown only");
  });
  EXPECT_EQ(child.out, "shown and copied\nshown only\n");
  EXPECT_EQ(testing::ReadFile(folder / "out"), "shown and copied\ncopied only\n");
  EXPECT_EQ(testing::ReadFile(folder / "err"), "deit: warning: slow disk\n");
}

TEST(LogTest, LinesOfThreadsNeverMix) {
  const ChildResult child = RunChild([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 200; ++i) LogInfo(std::string(50, static_cast<char>('a' + t)));
      });
    }
    for (auto& thread : threads) thread.join();
  });
  const std::vector<std::string> lines = absl::StrSplit(child.err, '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), 800u);
  for (const std::string& line : lines) {
    ASSERT_EQ(line.size(), 56u) << line;
    EXPECT_EQ(line.find_first_not_of(line[6], 6), std::string::npos) << line;
  }
}

TEST(LogTest, TheHookRunsBeforeEachLine) {
  const ChildResult child = RunChild([] {
    SetBeforeLogLine([](int fd) { [[maybe_unused]] auto n = ::write(fd, "<clear>", 7); });
    LogInfo("one");
    PrintLine("result");
    SetBeforeLogLine(nullptr);
    LogInfo("two");
  });
  EXPECT_EQ(child.err, "<clear>deit: one\ndeit: two\n");
  EXPECT_EQ(child.out, "<clear>result\n");
}

TEST(CrashHandlerTest, PrintsAStackAlsoToTheCopyAndKeepsTheSignal) {
  TempFolder folder;
  for (const int signal : {SIGSEGV, SIGABRT}) {
    const ChildResult child = RunChild([&] {
      SetLogCopies(-1, OpenCopy(folder / "err"));
      InstallCrashHandler();
      ::raise(signal);
    });
    EXPECT_TRUE(child.KilledBy(signal)) << child.status;
    EXPECT_THAT(child.err, HasSubstr("stack trace"));
    EXPECT_THAT(testing::ReadFile(folder / "err"), HasSubstr("stack trace"));
  }
}

TEST(CrashHandlerTest, LeavesSigtermAlone) {
  const ChildResult child = RunChild([] {
    InstallCrashHandler();
    ::raise(SIGTERM);
  });
  EXPECT_TRUE(child.KilledBy(SIGTERM));
  EXPECT_EQ(child.err, "");
}

TEST(CheckTest, SaysWhereAndWhat) {
  TempFolder folder;
  const ChildResult child = RunChild([&] {
    SetLogCopies(-1, OpenCopy(folder / "err"));
    DEIT_CHECK(1 + 1 == 3, "two is ", 2);
  });
  EXPECT_TRUE(child.KilledBy(SIGABRT));
  EXPECT_THAT(child.err, HasSubstr("log_test.cc"));
  EXPECT_THAT(child.err, HasSubstr("1 + 1 == 3 does not hold: two is 2"));
  EXPECT_EQ(testing::ReadFile(folder / "err"), child.err);
}

}  // namespace
}  // namespace deit
