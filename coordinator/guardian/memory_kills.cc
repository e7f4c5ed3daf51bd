#include "coordinator/guardian/memory_kills.h"

#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deit::guardian {
namespace {

// The value behind "oom_kill" in a file of "name value" lines.
bool ReadCount(const std::string& path, int64_t* count) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    if (word == "oom_kill" && file >> *count) return true;
  }
  return false;
}

}  // namespace

int64_t OutOfMemoryKills(const std::string& self, const std::string& mounts) {
  std::ifstream groups(self);
  for (std::string line; std::getline(groups, line);) {  // "0::/user.slice", or "7:memory:/docker/1f2e"
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    int64_t count = 0;
    if (parts[1].empty() && ReadCount(absl::StrCat(mounts, parts[2], "/memory.events"), &count)) return count;
    if (parts[1] == "memory" && ReadCount(absl::StrCat(mounts, "/memory", parts[2], "/memory.oom_control"), &count)) return count;
  }
  return 0;
}

}  // namespace deit::guardian
