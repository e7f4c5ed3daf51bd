#include "common/files/file_on_demand.h"

#include <algorithm>
#include <list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"

namespace deit::files {
namespace {

using OpenFile = std::shared_ptr<const RandomAccessFile>;

// The files of this process that are open, the last used first. A reader keeps its file open for as long as it reads.
class OpenFiles {
 public:
  static OpenFiles& Instance() {
    static OpenFiles& instance = *new OpenFiles;  // files of static storage may be closed after it would be
    return instance;
  }

  OpenFile Find(const void* owner) {
    const MutexLock lock(mutex_);
    const auto found = std::find_if(files_.begin(), files_.end(), [owner](const auto& file) { return file.first == owner; });
    if (found == files_.end()) return nullptr;
    files_.splice(files_.begin(), files_, found);
    return found->second;
  }

  void Keep(const void* owner, OpenFile file) {
    const MutexLock lock(mutex_);
    files_.emplace_front(owner, std::move(file));
    if (files_.size() > kMostOpenOnDemand) files_.pop_back();
  }

  void Drop(const void* owner) {
    const MutexLock lock(mutex_);
    files_.remove_if([owner](const auto& file) { return file.first == owner; });
  }

 private:
  Mutex mutex_;
  std::list<std::pair<const void*, OpenFile>> files_ DEIT_GUARDED_BY(mutex_);
};

class FileOnDemand final : public RandomAccessFile {
 public:
  FileOnDemand(FileSystem& fs, std::string path, OpenFile file)
      : fs_(fs), path_(std::move(path)), size_(file->Size()), modified_(file->Modified()) {
    OpenFiles::Instance().Keep(this, std::move(file));
  }
  ~FileOnDemand() override { OpenFiles::Instance().Drop(this); }

  uint64_t Size() const override { return size_; }
  absl::Time Modified() const override { return modified_; }

  Status ReadAt(uint64_t offset, void* dst, size_t bytes) const override {
    OpenFile file = OpenFiles::Instance().Find(this);
    if (file == nullptr) {
      DEIT_ASSIGN_OR_RETURN(file, fs_.OpenForRead(path_));
      if (file->Size() != size_) {
        return absl::DataLossError(absl::StrCat(path_, ": ", file->Size(), " bytes: it had ", size_, " when it was first read"));
      }
      if (file->Modified() != modified_) return absl::DataLossError(absl::StrCat(path_, ": modified since it was first read"));
      OpenFiles::Instance().Keep(this, file);
    }
    return file->ReadAt(offset, dst, bytes);
  }

 private:
  FileSystem& fs_;
  const std::string path_;
  const uint64_t size_;
  const absl::Time modified_;
};

}  // namespace

StatusOr<std::unique_ptr<RandomAccessFile>> OpenOnDemand(FileSystem& fs, const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(OpenFile file, fs.OpenForRead(path));
  return std::make_unique<FileOnDemand>(fs, path, std::move(file));
}

}  // namespace deit::files
