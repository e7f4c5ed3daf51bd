#include "common/metrics/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "common/base/log.h"
#include "common/base/terminal.h"
#include "common/json/json_file.h"
#include "common/process/message_copy.h"
#include "tests/support/child_process.h"
#include "tests/support/fake_clock.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::metrics {
namespace {

using ::deit::testing::ChildOutput;
using ::deit::testing::FakeClock;
using ::deit::testing::RunChild;
using ::deit::testing::TempFolder;

v1::Progress At(int64_t step) {
  v1::Progress p;
  p.set_step(step);
  p.set_epochs(1);
  p.set_epoch_step(step);
  p.set_epoch_steps(10);
  p.set_loss(2);
  return p;
}

void UseTerminal() {
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("COLUMNS");
  ::unsetenv("OMPI_COMM_WORLD_RANK");
}

// Ten steps, 40 ms each, and the epoch's end.
void TrainOneEpoch(ProgressOptions options) {
  FakeClock clock;
  options.clock = &clock;
  options.rewrite = CanRewriteLines(STDOUT_FILENO);
  {
    Progress progress(options);
    for (int64_t step = 1; step <= 10; ++step) {
      clock.Sleep(absl::Milliseconds(40));
      progress.Update(At(step));
      if (step == 5) PrintLine("a message");
    }
    v1::Progress end = At(10);
    end.set_val_acc1(50);
    progress.FinishEpoch(end);
  }
  PrintLine("finished");
}

TEST(ProgressTest, IsPlainLinesInAPipe) {
  const auto child = RunChild([] {
    UseTerminal();
    TrainOneEpoch({.path = {}, .log_interval = 4});
  });
  EXPECT_EQ(child.out,
            "epoch 0/1 [ 40%] 4/10 loss 2.000\na message\nepoch 0/1 [ 80%] 8/10 loss 2.000\n"
            "epoch 0/1 [100%] 10/10 loss 2.000 acc1 50.0\nfinished\n");
}

TEST(ProgressTest, IsOneRewrittenLineOnATerminal) {
  const auto child = RunChild(
      [] {
        UseTerminal();
        TrainOneEpoch({.path = {}, .log_interval = 4});
      },
      ChildOutput::kTerminal);
  // At most every 100 ms: steps 1, 4, 7, 10; cleared before each message; the evaluated epoch at once.
  EXPECT_EQ(child.out,
            "\repoch 0/1 [ 10%] 1/10 loss 2.000\x1b[K"
            "\repoch 0/1 [ 40%] 4/10 loss 2.000\x1b[K"
            "\r\x1b[K"
            "a message\n"
            "\repoch 0/1 [ 70%] 7/10 loss 2.000\x1b[K"
            "\repoch 0/1 [100%] 10/10 loss 2.000\x1b[K"
            "\repoch 0/1 [100%] 10/10 loss 2.000 acc1 50.0\x1b[K"
            "\r\x1b[K"
            "finished\n");
}

TEST(ProgressTest, ADumbTerminalGetsPlainLines) {
  for (const char* term : {"dumb", ""}) {
    const auto child = RunChild(
        [term] {
          UseTerminal();
          ::setenv("TERM", term, 1);
          TrainOneEpoch({.path = {}, .log_interval = 5});
        },
        ChildOutput::kTerminal);
    EXPECT_EQ(child.out.find('\r'), std::string::npos);
    EXPECT_EQ(child.out.find('\x1b'), std::string::npos);
    EXPECT_EQ(child.out, "epoch 0/1 [ 50%] 5/10 loss 2.000\na message\nepoch 0/1 [100%] 10/10 loss 2.000 acc1 50.0\nfinished\n");
  }
}

TEST(ProgressTest, FitsTheTerminalOrColumns) {
  for (const char* columns : {"", "13"}) {
    const auto child = RunChild(
        [columns] {
          UseTerminal();
          if (*columns) ::setenv("COLUMNS", columns, 1);
          TrainOneEpoch({.path = {}});
        },
        ChildOutput::kTerminal, /*columns=*/24);
    EXPECT_THAT(child.out, ::testing::StartsWith(*columns ? "\repoch 0/1\x1b[K" : "\repoch 0/1 1/10\x1b[K"));
  }
}

TEST(ProgressTest, TheCopyOfATerminalHasPlainLines) {
  TempFolder folder;
  RunChild(
      [&] {
        UseTerminal();
        const auto copy = process::MessageCopy::Start(folder / "stdout.log", folder / "stderr.log");
        TrainOneEpoch({.path = {}, .log_interval = 5});
        LogWarning("to stderr");
      },
      ChildOutput::kTerminal);
  EXPECT_EQ(testing::ReadFile(folder / "stdout.log"),
            "epoch 0/1 [ 50%] 5/10 loss 2.000\na message\nepoch 0/1 [100%] 10/10 loss 2.000 acc1 50.0\nfinished\n");
  EXPECT_EQ(testing::ReadFile(folder / "stderr.log"), "deit: warning: to stderr\n");
}

TEST(ProgressTest, TheFileIsReplacedOnceASecond) {
  TempFolder folder;
  FakeClock clock;
  const std::string path = folder / "progress.json";
  auto progress = std::make_unique<Progress>(
      ProgressOptions{.path = path, .log_interval = 1000, .rewrite = false, .fs = &files::FileSystem::Posix(), .clock = &clock});
  const auto step_in_file = [&] {
    v1::Progress read;
    EXPECT_TRUE(json::ReadJsonFile(files::FileSystem::Posix(), path, &read).ok());
    return read.step();
  };
  progress->Update(At(1));
  EXPECT_EQ(step_in_file(), 1);
  clock.Sleep(absl::Milliseconds(999));
  progress->Update(At(2));
  EXPECT_EQ(step_in_file(), 1);
  clock.Sleep(absl::Milliseconds(1));
  progress->Update(At(3));
  EXPECT_EQ(step_in_file(), 3);
  progress->Update(At(4));
  EXPECT_EQ(step_in_file(), 3);
  progress.reset();
  EXPECT_EQ(step_in_file(), 4) << "a run that stops says where";
}

TEST(ProgressTest, AFileThatCannotBeWrittenIsSaidOnce) {
  const auto child = RunChild([] {
    FakeClock clock;
    Progress progress({.path = "/proc/nowhere/progress.json",
                       .log_interval = 1000,
                       .rewrite = false,
                       .fs = &files::FileSystem::Posix(),
                       .clock = &clock});
    for (int64_t step = 1; step < 5; ++step) {
      clock.Sleep(absl::Seconds(2));
      progress.Update(At(step));
    }
  });
  EXPECT_EQ(std::count(child.err.begin(), child.err.end(), '\n'), 1) << child.err;
  EXPECT_NE(child.err.find("/proc/nowhere/progress.json"), std::string::npos);
}

}  // namespace
}  // namespace deit::metrics
