#include "common/process/process_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/process/identity.h"

namespace deit::process {
namespace {

std::string Prefix(std::string_view job) { return absl::StrCat("deit-", getuid(), "-", absl::string_view(job.data(), job.size()), "-"); }

// Whether a folder's name says that it is of `job` (any, if empty), and of a process of this namespace that is gone.
bool IsDeadFolder(const std::string& name, std::string_view job) {
  const std::string prefix = absl::StrCat("deit-", getuid(), "-");
  std::vector<std::string> parts = absl::StrSplit(name, '-');  // a job's name may hold some too
  if (!absl::StartsWith(name, prefix) || parts.size() < 6) return false;
  uint64_t pid_namespace = 0, start = 0;
  int32_t pid = 0;
  const size_t last = parts.size() - 1;
  if (!absl::SimpleAtoi(parts[last - 2], &pid_namespace) || !absl::SimpleAtoi(parts[last - 1], &pid) ||
      !absl::SimpleAtoi(parts[last], &start)) {
    return false;
  }
  if (!job.empty() && !absl::StartsWith(name, Prefix(job) + parts[last - 2])) return false;
  const auto living = IdentityOf(pid);
  const bool gone = living.ok() ? living->start_time() != start : absl::IsNotFound(living.status());  // what cannot be looked at may live
  return pid_namespace == Self().pid_namespace() && gone;
}

bool IsJobName(std::string_view job) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  return !job.empty() && job.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

StatusOr<ProcessFolder> ProcessFolder::Make(const std::string& parent, std::string_view job) {
  if (!IsJobName(job)) return absl::InvalidArgumentError(absl::StrCat("job id: '", std::string(job), "': only letters, digits and _.-"));
  const std::string path = absl::StrCat(parent, "/", Prefix(job), Self().pid_namespace(), "-", getpid(), "-", Self().start_time());
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
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    if (!IsDeadFolder(entry->path().filename(), job)) continue;
    std::error_code ignored;  // another member of the same launch may be sweeping too
    swept += std::filesystem::remove_all(entry->path(), ignored) != static_cast<uintmax_t>(-1);
  }
  return swept;
}

}  // namespace deit::process
