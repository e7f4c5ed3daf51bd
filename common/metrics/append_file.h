// Append-only file: each record is one write(2), so a killed process loses no completed record.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::metrics {

// Not thread-safe. Closes its descriptor when destroyed.
class AppendFile {
 public:
  // Opens `path` for appending and creates it if it does not exist.
  static StatusOr<AppendFile> Open(const std::string& path);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  // Appends `bytes`. What a full or failing disk does not take now is kept in memory, in order, and goes first next time;
  // the status says so. Beyond kMaxPendingBytes of that, `bytes` are dropped.
  Status Append(absl::string_view bytes);

  // Everything so far is on stable storage: before a checkpoint is committed, so that the lines of its steps exist too.
  Status Sync();

  const std::string& path() const { return path_; }

  static constexpr size_t kMaxPendingBytes = 16 << 20;

 private:
  AppendFile(std::string path, int fd);
  Status WritePending();

  std::string path_;
  int fd_;
  std::string pending_;  // accepted, but not yet taken by the file system
};

}  // namespace deit::metrics
