#include "launch/mpirun/failure_text.h"

#include <gtest/gtest.h>

#include <string>

namespace deit::launch {
namespace {

constexpr char kBanner[] =
    "--------------------------------------------------------------------------\n"
    "Primary job  terminated normally, but 1 process returned\na non-zero exit code. Per user-direction, the job has been aborted.\n"
    "--------------------------------------------------------------------------\n";
constexpr char kSignal[] = "mpirun noticed that process rank 12 with PID 0 on node n1 exited on signal 9 (Killed).\n";
constexpr char kExit[] =
    "mpirun detected that one or more processes exited with non-zero status, thus causing\nthe job to be terminated. The first process to "
    "do so "
    "was:\n\n  Process name: [[28061,1],3]\n  Exit code:    70\n";
constexpr char kImproper[] = "mpirun has exited due to process rank 1 with PID 0 on\nnode n1 exiting improperly. There are three reasons\n";

TEST(FailureTextTest, ASignalNamesWorkerAndSignal) {
  const auto notice = FindFailure(std::string(kBanner) + kSignal);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->rank, 12);
  EXPECT_EQ(notice->signal, 9);
  EXPECT_FALSE(notice->exit_code);
}

TEST(FailureTextTest, AnExitNamesWorkerAndCode) {
  const auto notice = FindFailure(std::string("deit-worker[0]: warning: x\n") + kBanner + kExit);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->rank, 3);
  EXPECT_EQ(notice->exit_code, 70);
  EXPECT_FALSE(notice->signal);
}

TEST(FailureTextTest, AnImproperEndNamesTheWorkerOnly) {
  const auto notice = FindFailure(kImproper);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->rank, 1);
  EXPECT_TRUE(notice->improper);
  const auto better = FindFailure(std::string(kImproper) + kExit);
  ASSERT_TRUE(better);
  EXPECT_EQ(better->exit_code, 70) << "how it ended says more";
}

TEST(FailureTextTest, OtherTextsSayNothing) {
  EXPECT_FALSE(FindFailure(""));
  EXPECT_FALSE(FindFailure(kBanner));
  EXPECT_FALSE(FindFailure("mpirun noticed that process rank x with PID 0 on node n1 exited on signal 9"));
  EXPECT_FALSE(FindFailure("mpirun noticed that process rank 1 with PID 0 on node n1 exited on sig"));
  EXPECT_FALSE(FindFailure("Process name: [[28061,1],"));
  EXPECT_FALSE(FindFailure("Process name: [[1,1],99999999999]\n Exit code: 1\n"));
}

}  // namespace
}  // namespace deit::launch
