// The kernel's count of processes that it killed for want of memory in a control group.
#pragma once

#include <cstdint>
#include <string>

namespace deit::guardian {

// In this process's own group, since it was made: memory.events of version 2, memory.oom_control of version 1, both below `mounts`
// (/sys/fs/cgroup). `self` is /proc/self/cgroup. A group without a count (the machine's root group, an unmounted hierarchy) gives 0: a
// count of the whole machine would blame other users' processes.
int64_t OutOfMemoryKills(const std::string& self = "/proc/self/cgroup", const std::string& mounts = "/sys/fs/cgroup");

}  // namespace deit::guardian
