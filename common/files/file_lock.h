// Locks on files: flock, else a lock of the open file description (fcntl). The kernel ends a lock with its last holder, however that dies,
// and answers across pid namespaces and host names.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::files {

// Movable, one owner. Destroying it releases the lock; the file stays. Closed in children that exec, unless one is given descriptor().
class FileLock {
 public:
  // Exclusive: takes the lock at once or fails with FailedPrecondition "PATH: in use by OWNER". `owner` says who holds it ("deit-worker
  // 4711 on node1"): one line, kept in the file for the message that others get. Unimplemented where the file system has no locks. The lock
  // is that of the file at `path` when this returns: one that was removed meanwhile is not believed.
  static StatusOr<FileLock> Acquire(const std::string& path, absl::string_view owner);

  // Shared by any number of holders, each of which adds its line `holder` to the file. Errors as above.
  static StatusOr<FileLock> AcquireShared(const std::string& path, absl::string_view holder);

  // The lock that a parent passed on as `descriptor`, which it took at `path`. FailedPrecondition when that is no open file.
  static StatusOr<FileLock> Adopt(const std::string& path, int descriptor);

  FileLock(FileLock&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileLock();

  const std::string& path() const { return path_; }
  int descriptor() const { return fd_; }

  // OK while `path` names the locked file. NotFound: it was removed or moved away; Aborted: another file is there.
  Status CheckInPlace() const;

 private:
  FileLock(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  static StatusOr<FileLock> Take(const std::string& path, int operation);

  std::string path_;
  int fd_;
};

enum class LockState {
  kHeld,     // by another process, or through another descriptor of this one
  kFree,     // by no process of this machine; on a file system that passes locks on to its server, by no other machine's either
  kUnknown,  // no such file, no locks there, no descriptor left: proves nothing
};

// Asks for the state of a lock again and again, with a descriptor that it keeps: it needs none later, and a file that is removed meanwhile
// is still the same. Not thread-safe.
class LockProbe {
 public:
  // A path that cannot be opened gives a probe that knows nothing.
  explicit LockProbe(const std::string& path);
  LockProbe(LockProbe&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LockProbe& operator=(LockProbe&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~LockProbe();

  // A process that wants the lock at this very moment waits a little (Acquire does).
  LockState State() const;

  // Whether process `pid` has the file open, as the kernel says: it holds a share of the lock, is about to take one, or asks about it.
  // False when that cannot be seen.
  bool IsOpenIn(pid_t pid) const;

  // The processes of this pid namespace that hold a share, as the kernel says: those that took it and those that inherited it. Without the
  // caller; none where that cannot be seen.
  std::vector<pid_t> Holders() const;

  // What the holders have written, at most 64 KiB; empty when it cannot be read.
  std::string Text() const;

 private:
  std::vector<std::string> DescriptorsIn(pid_t pid) const;  // those of `pid` that are the file

  int fd_;
};

}  // namespace deit::files
