#include "common/machine/memory_room.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deit::machine {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

// Names of the two versions' files.
struct Controller {
  const char* mount;
  const char* limit;
  const char* usage;
  const char* inactive;  // in memory.stat, of the group and those below it
};
constexpr Controller kVersion2 = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};
constexpr Controller kUnified = {"/sys/fs/cgroup/unified", "memory.max", "memory.current", "inactive_file"};
constexpr Controller kVersion1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The number in a file; none for "max" and for a missing file. Version 1 says "no limit" by a number near 2^63.
std::optional<int64_t> Number(const std::string& path) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(TextOf(path), &number) || number >= kNoLimit / 2) return std::nullopt;
  return number;
}

// The number after `name` and white space.
int64_t Field(const std::string& text, absl::string_view name, int64_t missing) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int64_t number = 0;
    if (words.size() >= 2 && words[0] == name && absl::SimpleAtoi(words[1], &number)) return number;
  }
  return missing;
}

void Lower(int64_t bytes, const std::string& of, MemoryRoom* room) {
  if (bytes < room->bytes) *room = {std::max<int64_t>(bytes, 0), of};
}

// The group and those above it, up to the root of the mount.
void Visit(const std::string& root, const Controller& controller, std::string group, MemoryRoom* room) {
  while (true) {
    const std::string folder = absl::StrCat(root, controller.mount, group == "/" ? "" : group);
    const auto limit = Number(absl::StrCat(folder, "/", controller.limit)), usage = Number(absl::StrCat(folder, "/", controller.usage));
    if (limit && usage) {
      const int64_t inactive = Field(TextOf(absl::StrCat(folder, "/memory.stat")), controller.inactive, 0);
      Lower(*limit - *usage + std::min(inactive, *usage), absl::StrCat("control group ", folder.substr(root.size())), room);
    }
    if (group.empty() || group == "/") return;
    group.resize(group.rfind('/'));
  }
}

}  // namespace

MemoryRoom FreeMemory(const std::string& root) {
  MemoryRoom room{kNoLimit, "this machine"};
  const int64_t available = Field(TextOf(absl::StrCat(root, "/proc/meminfo")), "MemAvailable:", -1);
  if (available >= 0) Lower(available * 1024, "this machine", &room);
  const std::string groups = TextOf(absl::StrCat(root, "/proc/self/cgroup"));
  for (const absl::string_view line : absl::StrSplit(groups, '\n')) {  // number:controllers:/path
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3 || !absl::StartsWith(fields[2], "/")) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    if (fields[1].empty()) {
      Visit(root, kVersion2, fields[2], &room);
      Visit(root, kUnified, fields[2], &room);
    } else if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      Visit(root, kVersion1, fields[2], &room);
    }
  }
  return room;
}

}  // namespace deit::machine
