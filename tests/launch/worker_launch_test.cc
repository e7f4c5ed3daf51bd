#include "launch/worker_launch.h"

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

TEST(MpirunCommandTest, StartsWorkersOnThisMachineOverLoopback) {
  const Command command = MpirunCommand(Local(2));
  EXPECT_THAT(command.words,
              ElementsAre("mpirun", "--bind-to", "none", "-np", "2", "/opt/deit-worker", "--config=job.textproto", "--attempt=2"));
  EXPECT_THAT(command.environment, Contains(Pair("TMPDIR", "/tmp/x")));
  EXPECT_THAT(command.environment, Contains(Pair("OMPI_MCA_oob_tcp_if_include", "lo")));
  EXPECT_THAT(command.environment, Contains(Pair("OMPI_MCA_odls_base_sigkill_timeout", "0")));
  EXPECT_THAT(command.environment, Not(Contains(Key("OMPI_ALLOW_RUN_AS_ROOT"))));
  EXPECT_THAT(command.environment, Not(Contains(Key("OMPI_MCA_mpi_yield_when_idle"))));
}

TEST(MpirunCommandTest, MoreWorkersThanCoresYield) {
  EXPECT_THAT(MpirunCommand(Local(3)).environment, Contains(Pair("OMPI_MCA_mpi_yield_when_idle", "1")));
}

TEST(MpirunCommandTest, RootIsMeant) {
  WorkerLaunch launch = Local(2);
  launch.root = true;
  EXPECT_THAT(MpirunCommand(launch).environment, Contains(Pair("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")));
}

TEST(MpirunCommandTest, HostsAreNamedWithTheirSlots) {
  WorkerLaunch launch = Local(3);
  launch.nodes = {{"n1", 2}, {"n2", 1}};
  const Command command = MpirunCommand(launch);
  EXPECT_THAT(command.words, ElementsAre("mpirun", "--bind-to", "none", "-np", "3", "--host", "n1:2,n2:1", "/opt/deit-worker",
                                         "--config=job.textproto", "--attempt=2"));
  EXPECT_THAT(command.environment, Not(Contains(Key("OMPI_MCA_oob_tcp_if_include")))) << "loopback does not reach them";
}

}  // namespace
}  // namespace deit::launch
