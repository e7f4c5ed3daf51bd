// Private folder of this process in shared memory, for files that the MPI library creates while it starts.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace deit::process {

// PARENT/deit-UID-JOB-PIDNAMESPACE-PID-STARTTIME, mode 0700. Removed with its contents at the end.
class ProcessFolder {
 public:
  // `job` is [A-Za-z0-9_.-]+ (InvalidArgument). Unavailable when the folder cannot be made.
  static StatusOr<ProcessFolder> Make(const std::string& parent, std::string_view job);

  ProcessFolder(ProcessFolder&& other) noexcept;
  ProcessFolder& operator=(ProcessFolder&& other) noexcept;
  ~ProcessFolder();

  const std::string& path() const { return path_; }

  // Removes the folder and its files early. Existing mappings keep the memory, and no kill leaves a file behind.
  void Hide();

  // After Hide(): the folder again, with empty files of the same names, for a library that complains when it cannot remove its own.
  void Restore();

 private:
  explicit ProcessFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty once moved from
  std::vector<std::string> hidden_files_;
};

// Removes the folders of this user's dead processes of one job, or of any (job empty), and returns how many. Another process-id namespace's are left
// alone: it is unknown here whether their owners are alive.
int SweepDeadFolders(const std::string& parent, std::string_view job);

}  // namespace deit::process
