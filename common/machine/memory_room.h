// Memory that this process and others of its node may still take: of the machine, and of the control groups that it is in.
#pragma once

#include <cstdint>
#include <string>

namespace deit::machine {

struct MemoryRoom {
  int64_t bytes = 0;  // INT64_MAX: unknown
  std::string of;     // what sets the limit: "this machine", or the control group's folder
};

// The least of MemAvailable (proc(5)) and, for the control group of this process and each above it, limit - usage, where what the kernel
// would drop first (inactive page cache) does not count as used. Control groups of version 2 (memory.max, memory.current) and 1
// (memory.limit_in_bytes, memory.usage_in_bytes), where they are mounted below /sys/fs/cgroup; a container sees its own as the root.
// `root`: prefix of all paths, for tests. Files that cannot be read set no limit.
MemoryRoom FreeMemory(const std::string& root = "");

}  // namespace deit::machine
