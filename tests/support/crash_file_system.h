// An in-memory disk shared by several "processes", which can crash. A commit protocol is tested by killing a process (or all, or
// the machine) between any two file operations and looking at what is left.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/files/file_system.h"

namespace deit::testing {

enum class Crash {
  kForgetAll,  // names not made durable by SyncFolder and bytes not synced are gone: what POSIX allows at worst
  kKeepNames,  // every name stays, but files hold only synced bytes (a journal that orders names before data)
};

// The disk itself. Thread-safe.
class CrashDisk {
 public:
  CrashDisk();
  ~CrashDisk();

  // The machine loses power and comes up again. Processes that were alive keep their view: kill them first.
  void Fail(Crash kind);

  void SetCapacity(uint64_t bytes);  // appends beyond it fail with ResourceExhausted; 0: no limit
  uint64_t BytesUsed() const;

  // Every path with its content, folders as "path/". For comparisons in tests.
  std::map<std::string, std::string> Snapshot() const;

  // Changes a file's bytes behind everybody's back (damage at rest); the change is durable.
  Status Overwrite(const std::string& path, const std::function<void(std::string*)>& change);

  struct Node;

 private:
  friend class CrashFileSystem;
  friend class CrashWritableFile;

  mutable std::mutex mutex_;
  std::shared_ptr<Node> root_;  // guarded by mutex_
  uint64_t capacity_ = 0;       // guarded by mutex_
};

// One process's view of a disk. Thread-safe.
class CrashFileSystem final : public files::FileSystem {
 public:
  explicit CrashFileSystem(CrashDisk* disk) : disk_(disk) {}

  // From the n-th operation on (0: the next one) every operation fails and changes nothing: the process is dead.
  void KillAtOperation(int64_t n);
  bool killed() const;

  // Only the n-th operation from now on fails, with `status`, and changes nothing.
  void FailAtOperation(int64_t n, Status status);

  // Called before each operation with "sync /a/b" and the like; it may call the other functions of this class and of the disk.
  void OnOperation(std::function<void(const std::string&)> hook);

  int64_t operations() const;  // counted so far: OpenForWrite, Append, Sync, Close, Rename, Remove, CreateFolder, SyncFolder

  StatusOr<std::unique_ptr<files::WritableFile>> OpenForWrite(const std::string& path) override;
  StatusOr<std::unique_ptr<files::RandomAccessFile>> OpenForRead(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateFolder(const std::string& path) override;
  Status SyncFolder(const std::string& path) override;
  StatusOr<std::vector<std::string>> List(const std::string& path) override;
  StatusOr<files::FileInfo> Stat(const std::string& path) override;
  StatusOr<uint64_t> FreeBytes(const std::string& path) override;

 private:
  friend class CrashWritableFile;

  Status Begin(const std::string& operation);  // counts, kills, fails; before each changing operation
  Status Alive() const;                        // before each reading one

  CrashDisk* const disk_;
  mutable std::mutex mutex_;
  int64_t operations_ = 0;                        // guarded by mutex_
  int64_t kill_at_ = INT64_MAX;                   // guarded by mutex_
  std::map<int64_t, Status> failures_;            // guarded by mutex_
  std::function<void(const std::string&)> hook_;  // guarded by mutex_
};

}  // namespace deit::testing
