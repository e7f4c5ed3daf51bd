// How launches of real processes start and end: exit codes, deadlines on dead and stopped workers, nothing left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/temp_folder.h"

namespace deit::testing {
namespace {

using ::testing::HasSubstr;

struct Launch {
  ChildResult result;
  double seconds = 0;
  bool left_in_shared_memory = false;
  bool left_in_temp_folder = false;
};

// Runs collective_probe on two workers. Without mpirun's grace after the first death, which is 2 s of its own.
Launch RunProbe(const std::string& mode) {
  const TempFolder temp;
  const std::string job = "test" + std::to_string(getpid()) + mode;
  const auto start = std::chrono::steady_clock::now();
  Launch launch;
  launch.result = RunChild([&] {
    setenv("TMPDIR", temp.path().c_str(), 1);
    setenv("OMPI_MCA_odls_base_sigkill_timeout", "0", 1);
    execl(DEIT_MPIEXEC, DEIT_MPIEXEC, "-np", "2", DEIT_COLLECTIVE_PROBE, mode.c_str(), job.c_str(), nullptr);
  });
  launch.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    launch.left_in_shared_memory |= entry.path().string().find(job) != std::string::npos;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(temp.path())) {
    launch.left_in_temp_folder |= entry.is_regular_file();
  }
  return launch;
}

void ExpectClean(const Launch& launch) {
  EXPECT_FALSE(launch.left_in_shared_memory);
  EXPECT_FALSE(launch.left_in_temp_folder);
}

TEST(LaunchTest, EndsWithTheCodeOfItsWorkersAndLeavesNothing) {
  for (const int code : {0, 75, 76}) {
    const Launch launch = RunProbe(std::to_string(code));
    EXPECT_TRUE(launch.result.ExitedWith(code)) << launch.result.err;
    ExpectClean(launch);
  }
}

TEST(LaunchTest, ASilentWorkerIsNamedAtTheDeadline) {
  const Launch launch = RunProbe("silent");
  EXPECT_TRUE(launch.result.ExitedWith(69)) << launch.result.err;
  EXPECT_THAT(launch.result.err, HasSubstr("worker 1 did not deliver bucket 3 of step 12 within 1s (last reported: step 11)"));
  ExpectClean(launch);
}

TEST(LaunchTest, AStoppedWorkerIsNamedAtTheDeadlineAndEndedToo) {
  const Launch launch = RunProbe("stop");
  EXPECT_TRUE(launch.result.ExitedWith(69)) << launch.result.err;
  EXPECT_THAT(launch.result.err, HasSubstr("worker 1 did not deliver bucket 3 of step 12 within 1s"));
  EXPECT_LT(launch.seconds, 10);
  ExpectClean(launch);
}

TEST(LaunchTest, AKilledWorkerEndsTheLaunchAndLeavesNothing) {
  const Launch launch = RunProbe("kill");
  EXPECT_TRUE(launch.result.ExitedWith(128 + SIGKILL)) << launch.result.err;
  EXPECT_LT(launch.seconds, 10);
  ExpectClean(launch);
}

// mpirun's own folder stays behind then; what the workers had in shared memory does not.
TEST(LaunchTest, AKilledLauncherLeavesNothingInSharedMemory) {
  const Launch launch = RunProbe("orphan");
  EXPECT_TRUE(launch.result.KilledBy(SIGKILL)) << launch.result.err;
  EXPECT_FALSE(launch.left_in_shared_memory);
}

TEST(LaunchTest, WhoFinishesAloneGivesUpAfterTheSetUpLimit) {
  const Launch launch = RunProbe("early");
  EXPECT_TRUE(launch.result.ExitedWith(69)) << launch.result.err;
  EXPECT_THAT(launch.result.err, HasSubstr("not all workers came to the end within 2s"));
  ExpectClean(launch);
}

TEST(LaunchTest, WhoFormsAGroupAloneGivesUpAfterTheSetUpLimit) {
  const Launch launch = RunProbe("alone");
  EXPECT_TRUE(launch.result.ExitedWith(69)) << launch.result.err;
  EXPECT_THAT(launch.result.err, HasSubstr("not all of workers 0, 1 came to form group pair within 2s"));
  ExpectClean(launch);
}

TEST(LaunchTest, SrunWithoutPmixIsRefusedByName) {
  const ChildResult result = RunChild([] {
    setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    execl(DEIT_COLLECTIVE_PROBE, DEIT_COLLECTIVE_PROBE, "0", nullptr);
  });
  EXPECT_TRUE(result.ExitedWith(64)) << result.err;
  EXPECT_THAT(result.err, HasSubstr("srun: 4 tasks: without PMIx they cannot find one another"));
}

TEST(LaunchTest, WithoutALauncherAWorldOfOneFinishes) {
  const ChildResult result = RunChild([] { execl(DEIT_COLLECTIVE_PROBE, DEIT_COLLECTIVE_PROBE, "75", nullptr); });
  EXPECT_TRUE(result.ExitedWith(75)) << result.err;
}

TEST(LaunchTest, MpiIsInitialisedUnderALauncherOnly) {
  const ChildResult alone = RunChild([] { execl(DEIT_COLLECTIVE_PROBE, DEIT_COLLECTIVE_PROBE, "mpi", nullptr); });
  EXPECT_TRUE(alone.ExitedWith(0)) << alone.err;
  EXPECT_TRUE(RunProbe("mpi").result.ExitedWith(1));
}

}  // namespace
}  // namespace deit::testing
