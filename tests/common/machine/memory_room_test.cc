#include "common/machine/memory_room.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::machine {
namespace {

constexpr int64_t kMachine = int64_t{8} << 30;

class MemoryRoomTest : public ::testing::Test {
 protected:
  MemoryRoomTest() {
    Write("/proc/meminfo", "MemTotal:  99999999 kB\nMemFree:  1 kB\nMemAvailable:    8388608 kB\n");
    Write("/proc/self/cgroup", "");
  }
  void Write(const std::string& path, const std::string& content) {
    const std::filesystem::path whole = folder_.path() + path;
    std::filesystem::create_directories(whole.parent_path());
    testing::WriteFile(whole.string(), content);
  }
  void WriteVersion2(const std::string& group, const std::string& limit, int64_t used, int64_t inactive) {
    Write("/sys/fs/cgroup" + group + "/memory.max", limit + "\n");
    Write("/sys/fs/cgroup" + group + "/memory.current", std::to_string(used) + "\n");
    Write("/sys/fs/cgroup" + group + "/memory.stat", "anon 5\ninactive_file " + std::to_string(inactive) + "\n");
  }
  void Expect(int64_t bytes, const std::string& of) {
    const MemoryRoom room = FreeMemory(folder_.path());
    EXPECT_EQ(room.bytes, bytes);
    EXPECT_EQ(room.of, of);
  }

  testing::TempFolder folder_;
};

TEST_F(MemoryRoomTest, WithoutGroupsTheMachineSetsTheLimit) { Expect(kMachine, "this machine"); }

TEST_F(MemoryRoomTest, TheTightestGroupUpTheTreeSetsTheLimit) {
  Write("/proc/self/cgroup", "0::/job/step\n");
  WriteVersion2("/job/step", "max", 900, 0);
  Expect(kMachine, "this machine");
  WriteVersion2("/job", "5000", 1000, 300);
  Expect(4300, "control group /sys/fs/cgroup/job");
  WriteVersion2("/job/step", "1200", 900, 0);
  Expect(300, "control group /sys/fs/cgroup/job/step");
  WriteVersion2("/job/step", "800", 900, 0);  // lowered below what is used
  Expect(0, "control group /sys/fs/cgroup/job/step");
}

TEST_F(MemoryRoomTest, AContainerSeesItsOwnGroupAsTheRoot) {
  Write("/proc/self/cgroup", "0::/not/visible/here\n");
  WriteVersion2("", "5000", 1000, 0);
  Expect(4000, "control group /sys/fs/cgroup");
}

TEST_F(MemoryRoomTest, Version1HasOtherNamesAndANumberForNoLimit) {
  Write("/proc/self/cgroup", "9:name=systemd:/x\n4:cpu,memory:/job\n1:cpu:/other\n0::/\n");
  Write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "7000\n");
  Write("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "6000\n");
  Write("/sys/fs/cgroup/memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 250\n");
  Expect(1250, "control group /sys/fs/cgroup/memory/job");
  Write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  Expect(kMachine, "this machine");
}

TEST_F(MemoryRoomTest, WhatCannotBeReadSetsNoLimit) {
  Write("/proc/self/cgroup", "nonsense\n0:\n::\n0::relative\n0::/a\n");
  Write("/sys/fs/cgroup/a/memory.max", "many\n");
  Write("/proc/meminfo", "MemAvailable: x\n");
  Expect(std::numeric_limits<int64_t>::max(), "this machine");
}

TEST(MemoryRoomOfThisMachineTest, HasSome) { EXPECT_GT(FreeMemory().bytes, 0); }

}  // namespace
}  // namespace deit::machine
