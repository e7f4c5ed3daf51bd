#include "worker/collective/process_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deit::collective {
namespace {

// Start time in clock ticks since boot (proc(5), stat, field 22); nothing if the process is gone or a zombie.
std::optional<uint64_t> StartTime(int64_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::stringstream text;
  text << file.rdbuf();
  const std::string stat = text.str();
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 1), ' ', absl::SkipWhitespace());
  constexpr size_t kState = 0, kStart = 19;  // counted from behind the name, which is field 2
  uint64_t start = 0;
  if (fields.size() <= kStart || fields[kState] == "Z" || fields[kState] == "X") return std::nullopt;
  if (!absl::SimpleAtoi(fields[kStart], &start)) return std::nullopt;
  return start;
}

uint64_t PidNamespace() {
  struct stat info = {};
  return stat("/proc/self/ns/pid", &info) == 0 ? static_cast<uint64_t>(info.st_ino) : 0;
}

std::string Prefix(std::string_view job) { return absl::StrCat("deit-", getuid(), "-", absl::string_view(job.data(), job.size()), "-"); }

// Whether `owner`, a folder's name behind the prefix, names a process of this namespace that is gone.
bool IsDead(std::string_view owner) {
  const std::vector<std::string> parts = absl::StrSplit(absl::string_view(owner.data(), owner.size()), '-');
  uint64_t pid_namespace = 0, start = 0;
  int64_t pid = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &pid_namespace) || !absl::SimpleAtoi(parts[1], &pid) ||
      !absl::SimpleAtoi(parts[2], &start)) {
    return false;
  }
  return pid_namespace == PidNamespace() && StartTime(pid) != start;
}

bool IsJobName(std::string_view job) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  return !job.empty() && job.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

StatusOr<ProcessFolder> ProcessFolder::Make(const std::string& parent, std::string_view job) {
  if (!IsJobName(job)) return absl::InvalidArgumentError(absl::StrCat("job id: '", std::string(job), "': only letters, digits and _.-"));
  const std::string path = absl::StrCat(parent, "/", Prefix(job), PidNamespace(), "-", getpid(), "-", StartTime(getpid()).value_or(0));
  if (mkdir(path.c_str(), 0700) != 0) return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  return ProcessFolder(path);
}

ProcessFolder::ProcessFolder(ProcessFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), hidden_files_(std::move(other.hidden_files_)) {}

ProcessFolder& ProcessFolder::operator=(ProcessFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(hidden_files_, other.hidden_files_);
  return *this;
}

ProcessFolder::~ProcessFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void ProcessFolder::Hide() {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
    hidden_files_.push_back(entry->path());
  }
  std::filesystem::remove_all(path_, error);
}

void ProcessFolder::Restore() {
  if (mkdir(path_.c_str(), 0700) != 0) return;
  for (const std::string& file : hidden_files_) std::ofstream{file};
  hidden_files_.clear();
}

int SweepDeadFolders(const std::string& parent, std::string_view job) {
  int swept = 0;
  const std::string prefix = Prefix(job);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(prefix) || !IsDead(std::string_view(name).substr(prefix.size()))) continue;
    std::error_code ignored;  // another member of the same launch may be sweeping too
    swept += std::filesystem::remove_all(entry->path(), ignored) != static_cast<uintmax_t>(-1);
  }
  return swept;
}

}  // namespace deit::collective
