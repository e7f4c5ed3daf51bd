#include "launch/mpirun/mpirun_launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::launch {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

WorkerLaunch Local(int workers) {
  return {.program = "/opt/deit-worker",
          .workers = workers,
          .nodes = {{"", workers}},
          .words = {"--config=job.textproto", "--attempt=2"},
          .temporary_folder = "/tmp/x",
          .cores = 2,
          .root = false};
}

TEST(MpirunLauncherTest, StartsWorkersOnThisMachineOverLoopback) {
  const Command command = MpirunLauncher().CommandFor(Local(2));
  EXPECT_THAT(command.words,
              ElementsAre("mpirun", "--bind-to", "none", "-np", "2", "/opt/deit-worker", "--config=job.textproto", "--attempt=2"));
  EXPECT_THAT(command.environment, Contains(Pair("TMPDIR", "/tmp/x")));
  EXPECT_THAT(command.environment, Contains(Pair("OMPI_MCA_oob_tcp_if_include", "lo")));
  EXPECT_THAT(command.environment, Contains(Pair("OMPI_MCA_odls_base_sigkill_timeout", "0")));
  EXPECT_THAT(command.environment, Contains(Pair("OMPI_MCA_ras", "^slurm,gridengine,tm,lsf,alps"))) << "no batch system's nodes";
  EXPECT_THAT(command.environment, Contains(Pair("OMPI_MCA_orte_default_hostfile", "none")));
  EXPECT_THAT(command.environment, Not(Contains(Key("OMPI_ALLOW_RUN_AS_ROOT"))));
  EXPECT_THAT(command.environment, Not(Contains(Key("OMPI_MCA_mpi_yield_when_idle"))));
}

TEST(MpirunLauncherTest, MoreWorkersThanCoresYield) {
  EXPECT_THAT(MpirunLauncher().CommandFor(Local(3)).environment, Contains(Pair("OMPI_MCA_mpi_yield_when_idle", "1")));
}

TEST(MpirunLauncherTest, RootIsMeant) {
  WorkerLaunch launch = Local(2);
  launch.root = true;
  EXPECT_THAT(MpirunLauncher().CommandFor(launch).environment, Contains(Pair("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")));
}

TEST(MpirunLauncherTest, HostsAreNamedWithTheirSlots) {
  WorkerLaunch launch = Local(3);
  launch.nodes = {{"n1", 2}, {"n2", 1}};
  const Command command = MpirunLauncher().CommandFor(launch);
  EXPECT_THAT(command.words, ElementsAre("mpirun", "--bind-to", "none", "-np", "3", "--host", "n1:2,n2:1", "/opt/deit-worker",
                                         "--config=job.textproto", "--attempt=2"));
  EXPECT_THAT(command.environment, Not(Contains(Key("OMPI_MCA_oob_tcp_if_include")))) << "loopback does not reach them";
  EXPECT_THAT(command.environment, Not(Contains(Key("OMPI_MCA_ras"))));
}

MpirunLauncher Saying(StatusOr<std::string> version) {
  return MpirunLauncher([version] { return version; });
}

TEST(MpirunLauncherTest, OnlyOpenMpiPassesTheCheck) {
  EXPECT_TRUE(Saying("mpirun (Open MPI) 4.1.4\n\nReport bugs to ...\n").Check().ok());
  EXPECT_TRUE(Saying("mpirun (Open MPI) 5.0.8\n").Check().ok());
  const Status other = Saying("HYDRA build details:\n    Version: 4.0.2\n").Check();
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(other.message(), "mpirun: \"HYDRA build details:\": not Open MPI's, which the workers are built for");
  EXPECT_NE(HintOf(other), "");
  EXPECT_FALSE(Saying("").Check().ok());
}

TEST(MpirunLauncherTest, InsideOfMpirunThereIsNoOther) {
  ::setenv("OMPI_UNIVERSE_SIZE", "2", 1);
  const Status inside = Saying("mpirun (Open MPI) 4.1.4\n").Check();
  ::unsetenv("OMPI_UNIVERSE_SIZE");
  EXPECT_EQ(inside.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(HintOf(inside), "start deit-coord run without mpirun: it starts the workers by itself");
}

TEST(MpirunLauncherTest, AMissingOrHangingProgramIsNamed) {
  const Status missing = Saying(absl::NotFoundError("mpirun: not found in PATH")).Check();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "mpirun: not found in PATH: it starts the workers");
  EXPECT_EQ(Saying(absl::DeadlineExceededError("mpirun: timed out after 10s")).Check().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(MpirunLauncherTest, ThisMachinesMpirunPasses) { EXPECT_TRUE(MpirunLauncher().Check().ok()) << MpirunLauncher().Check(); }

TEST(MpirunLauncherTest, TheEnvironmentHasTheRank) {
  const MpirunLauncher launcher;
  EXPECT_EQ(launcher.RankOf({"HOME=/root", "OMPI_COMM_WORLD_RANK=3", "OMPI_COMM_WORLD_SIZE=4"}), 3);
  EXPECT_EQ(launcher.RankOf({"HOME=/root", "XOMPI_COMM_WORLD_RANK=3", "OMPI_COMM_WORLD_RANK=x", "OMPI_COMM_WORLD_RANK=-1"}), std::nullopt);
}

}  // namespace
}  // namespace deit::launch
