// File system interface. Everything that must survive a crash is written through it, so that a test can fill the disk, fail any operation,
// or kill the process between any two (tests/support/crash_file_system.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/status.h"

namespace deit::files {

// A file being written from its start. Destroying it closes it; what was not synced may be lost in a crash. Not thread-safe.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status Append(const void* data, size_t bytes) = 0;  // all of it, or an error
  virtual Status Sync() = 0;                                  // the content survives a crash from here on (its name: SyncFolder)
  virtual Status Close() = 0;                                 // idempotent
};

// An open file whose bytes can be read at any place. Thread-safe.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  virtual uint64_t Size() const = 0;                                          // in bytes, when it was opened
  virtual absl::Time Modified() const = 0;                                    // when it was last modified, as it was opened
  virtual Status ReadAt(uint64_t offset, void* dst, size_t bytes) const = 0;  // exactly `bytes`, else DataLoss ("ends at byte N")
};

struct FileInfo {
  bool is_folder = false;
  bool is_link = false;  // a symbolic link; the other fields speak of what it points to (a dangling one: an empty file)
  uint64_t bytes = 0;
  absl::Time modified;
};

// Paths are used as given. Every error names the path and the cause, and its code is the same everywhere: NotFound, AlreadyExists,
// PermissionDenied (EACCES, EPERM, EROFS), ResourceExhausted (no space, quota, no descriptors), FailedPrecondition (a folder
// where a file is wanted, a folder not empty, another file system), InvalidArgument (name too long), Internal (others). Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual StatusOr<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) = 0;  // creates, or empties
  virtual StatusOr<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;     // atomic; replaces a file or an empty folder
  virtual Status Remove(const std::string& path) = 0;                            // a file, a link, or an empty folder
  virtual Status CreateFolder(const std::string& path) = 0;                      // a folder that exists is fine
  virtual Status SyncFolder(const std::string& path) = 0;                        // names made, moved and removed in it survive a crash
  virtual StatusOr<std::vector<std::string>> List(const std::string& path) = 0;  // names in it, sorted
  virtual StatusOr<FileInfo> Stat(const std::string& path) = 0;
  virtual StatusOr<uint64_t> FreeBytes(const std::string& path) = 0;  // room for this user on the path's file system

  static FileSystem& Posix();  // the process's real file system
};

}  // namespace deit::files
