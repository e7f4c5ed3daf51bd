// Exclusive file lock (flock): at most one holder among all processes of a host; the kernel releases it when the holder exits.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::files {

// Movable, one owner. Destroying it releases the lock; the file stays.
class FileLock {
 public:
  // Takes the lock at once or fails with FailedPrecondition "PATH: in use by OWNER". `owner` says who holds it ("deit-worker 4711
  // on node1"): one line, kept in the file for the message that others get.
  static StatusOr<FileLock> Acquire(const std::string& path, absl::string_view owner);

  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;  // closed in children that exec: a child never keeps the lock alive
};

}  // namespace deit::files
