#include "coordinator/guardian/memory_kills.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"

namespace deit::guardian {
namespace {

class MemoryKillsTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(temp_ / name).parent_path());
    std::ofstream(temp_ / name) << text;
  }
  int64_t Count() { return OutOfMemoryKills(temp_ / "self", temp_.path()); }

  testing::TempFolder temp_;
};

TEST_F(MemoryKillsTest, AreThoseOfTheOwnGroup) {
  Write("self", "0::/user.slice/job\n");
  Write("user.slice/memory.events", "oom_kill 100\n");
  Write("user.slice/job/memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n");
  EXPECT_EQ(Count(), 2);
}

TEST_F(MemoryKillsTest, AreKnownInTheFirstVersionOfControlGroupsToo) {
  Write("self", "12:cpu,cpuacct:/job\n7:memory:/job\n0::/\n");
  Write("memory/job/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  EXPECT_EQ(Count(), 5);
}

TEST_F(MemoryKillsTest, OfTheWholeMachineDoNotCount) {
  Write("self", "0::/\n");
  EXPECT_EQ(Count(), 0);
  EXPECT_EQ(OutOfMemoryKills(temp_ / "missing", temp_.path()), 0);
}

}  // namespace
}  // namespace deit::guardian
