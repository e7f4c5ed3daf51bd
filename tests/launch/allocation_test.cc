#include "launch/allocation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace deit::launch {
namespace {

class AllocationTest : public ::testing::Test {
 protected:
  AllocationTest() { Clear(); }
  ~AllocationTest() override { Clear(); }

  static void Clear() {
    for (const char* name : {"SLURM_JOB_NUM_NODES", "SLURM_NNODES", "PBS_NODEFILE", "LSB_DJOB_HOSTFILE", "PE_HOSTFILE"}) ::unsetenv(name);
  }

  int With(const char* name, const std::string& value) {
    Clear();
    ::setenv(name, value.c_str(), 1);
    return AllocatedNodes();
  }

  std::string File(const std::string& text) {
    const std::string path = temp_ / "hosts";
    std::ofstream(path) << text;
    return path;
  }

  testing::TempFolder temp_;
};

TEST_F(AllocationTest, WithoutABatchSystemThereIsThisMachine) { EXPECT_EQ(AllocatedNodes(), 1); }

TEST_F(AllocationTest, KnowsEachBatchSystem) {
  EXPECT_EQ(With("SLURM_JOB_NUM_NODES", "3"), 3);
  EXPECT_EQ(With("SLURM_NNODES", "2"), 2);
  EXPECT_EQ(With("PBS_NODEFILE", File("n1\nn1\nn2\n")), 2);
  EXPECT_EQ(With("LSB_DJOB_HOSTFILE", File("n1\nn2\nn3")), 3);
  EXPECT_EQ(With("PE_HOSTFILE", File("n1 2 all.q@n1 UNDEFINED\nn2 2 all.q@n2 UNDEFINED\n")), 2);
}

TEST_F(AllocationTest, WhatCannotBeReadIsNoAllocation) {
  EXPECT_EQ(With("SLURM_JOB_NUM_NODES", "many"), 1);
  EXPECT_EQ(With("SLURM_JOB_NUM_NODES", "-4"), 1);
  EXPECT_EQ(With("PBS_NODEFILE", temp_ / "missing"), 1);
  EXPECT_EQ(With("PE_HOSTFILE", File("\n\n")), 1);
}

}  // namespace
}  // namespace deit::launch
