#include "common/process/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/base/clock.h"
#include "tests/support/child_process.h"

namespace deit::process {
namespace {

using ::deit::testing::RunChild;

std::string Name(int signal) { return signal == SIGUSR1 ? "SIGUSR1" : signal == SIGTERM ? "SIGTERM" : "SIGINT"; }

TEST(SignalsTest, EachOfTheThreeAsksForAStop) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    const auto child = RunChild([signal] {
      InstallStopSignals();
      if (StopRequested()) ::_exit(1);
      ::raise(signal);
      ::_exit(StopRequested() && std::string(StopCause()) == Name(signal) ? 0 : 2);
    });
    EXPECT_TRUE(child.ExitedWith(0)) << child.status;
  }
}

TEST(SignalsTest, ACommandOfTheOwnerAsksForTheSameStop) {
  const auto child = RunChild([] {
    InstallStopSignals();
    RequestStop();
    ::raise(SIGTERM);
    ::_exit(StopRequested() && std::string(StopCause()) == "deit-coord" ? 0 : 1);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
}

TEST(SignalsTest, TheFirstCauseCounts) {
  const auto child = RunChild([] {
    InstallStopSignals();
    ::raise(SIGUSR1);
    ::raise(SIGUSR1);
    ::raise(SIGTERM);
    ::_exit(std::string(StopCause()) == "SIGUSR1" ? 0 : 1);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
}

TEST(SignalsTest, ASecondInterruptEndsTheProcess) {
  const auto child = RunChild([] {
    InstallStopSignals();
    ::raise(SIGINT);
    ::raise(SIGINT);
  });
  EXPECT_TRUE(child.KilledBy(SIGINT)) << child.status;
}

TEST(SignalsTest, TellsWhenTheStopWasRequested) {
  const auto child = RunChild([] {
    InstallStopSignals();
    if (StopRequestedAt() != absl::InfiniteDuration()) ::_exit(1);
    const absl::Duration before = Clock::System().Elapsed();
    ::raise(SIGTERM);
    const absl::Duration asked = StopRequestedAt();
    ::raise(SIGTERM);
    ::_exit(asked >= before && asked <= Clock::System().Elapsed() && StopRequestedAt() == asked ? 0 : 2);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
}

TEST(SignalsTest, AClosedPipeEndsNothing) {
  const auto child = RunChild([] {
    InstallStopSignals();
    int ends[2];
    if (::pipe(ends) != 0 || ::close(ends[0]) != 0) ::_exit(1);
    ::_exit(::write(ends[1], "x", 1) < 0 && errno == EPIPE && !StopRequested() ? 0 : 2);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
}

TEST(SignalsTest, WorkWithNothingToSaveEndsAtOnce) {
  const auto child = RunChild([] {
    InstallStopSignals();
    RestoreStopSignals();
    ::raise(SIGTERM);
  });
  EXPECT_TRUE(child.KilledBy(SIGTERM)) << child.status;
}

}  // namespace
}  // namespace deit::process
