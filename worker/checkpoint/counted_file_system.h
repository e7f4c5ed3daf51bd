// File system that reports each operation that is done, so that others see progress in long saves and loads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/files/file_system.h"

namespace deit::checkpoint {

// Every operation is that of `inner`, followed by a call of `done` on the same thread; so are those of the files that it opens, which must not
// outlive it. As thread-safe as `inner` and `done` are.
class CountedFileSystem final : public files::FileSystem {
 public:
  CountedFileSystem(files::FileSystem* inner, std::function<void()> done) : inner_(inner), done_(std::move(done)) {}

  StatusOr<std::unique_ptr<files::WritableFile>> OpenForWrite(const std::string& path) override;
  StatusOr<std::unique_ptr<files::RandomAccessFile>> OpenForRead(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override { return Counted(inner_->Rename(from, to)); }
  Status Remove(const std::string& path) override { return Counted(inner_->Remove(path)); }
  Status CreateFolder(const std::string& path) override { return Counted(inner_->CreateFolder(path)); }
  Status SyncFolder(const std::string& path) override { return Counted(inner_->SyncFolder(path)); }
  StatusOr<std::vector<std::string>> List(const std::string& path) override { return Counted(inner_->List(path)); }
  StatusOr<files::FileInfo> Stat(const std::string& path) override { return Counted(inner_->Stat(path)); }
  StatusOr<uint64_t> FreeBytes(const std::string& path) override { return Counted(inner_->FreeBytes(path)); }

 private:
  template <typename Result>
  Result Counted(Result result) const {
    done_();
    return result;
  }

  files::FileSystem* const inner_;
  const std::function<void()> done_;
};

}  // namespace deit::checkpoint
