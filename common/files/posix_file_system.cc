// FileSystem on POSIX calls. Interrupted calls are repeated, short writes continued.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/base/exit_code.h"
#include "common/files/errno_status.h"
#include "common/files/file_system.h"

namespace deit::files {
namespace {

constexpr size_t kLargestCall = size_t{1} << 30;  // Linux transfers at most 2 GiB - 4 KiB per call

int CloseOnce(int fd) {
  // Not repeated after EINTR: Linux has closed the descriptor by then, and another thread may own the number already.
  return ::close(fd) == 0 || errno == EINTR ? 0 : -1;
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~PosixWritableFile() override { Close().IgnoreError(); }

  Status Append(const void* data, size_t bytes) override {
    const char* next = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t written = ::write(fd_, next, std::min(bytes, kLargestCall));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return ErrnoStatus("cannot write", path_, errno);
      next += written;
      bytes -= static_cast<size_t>(written);
    }
    return absl::OkStatus();
  }

  Status Sync() override {
    while (::fsync(fd_) != 0) {
      if (errno != EINTR) return ErrnoStatus("cannot sync", path_, errno);
    }
    return absl::OkStatus();
  }

  Status Close() override {
    if (fd_ < 0) return absl::OkStatus();
    return CloseOnce(std::exchange(fd_, -1)) == 0 ? absl::OkStatus() : ErrnoStatus("cannot close", path_, errno);
  }

 private:
  const std::string path_;
  int fd_;
};

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(std::string path, int fd, const struct stat& info)
      : path_(std::move(path)), fd_(fd), size_(static_cast<uint64_t>(info.st_size)), modified_(info.st_mtim) {}
  ~PosixRandomAccessFile() override { CloseOnce(fd_); }

  uint64_t Size() const override { return size_; }
  absl::Time Modified() const override { return absl::TimeFromTimespec(modified_); }

  Status ReadAt(uint64_t offset, void* dst, size_t bytes) const override {
    char* next = static_cast<char*>(dst);
    if (offset > size_ || bytes > size_ - offset) return EndsEarly(offset, bytes, size_);
    while (bytes > 0) {
      const ssize_t got = ::pread(fd_, next, std::min(bytes, kLargestCall), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ErrnoStatus("cannot read", path_, errno);
      if (got == 0) return EndsEarly(offset, bytes, offset);
      next += got;
      offset += static_cast<uint64_t>(got);
      bytes -= static_cast<size_t>(got);
    }
    return absl::OkStatus();
  }

 private:
  Status EndsEarly(uint64_t offset, size_t bytes, uint64_t end) const {
    return absl::DataLossError(absl::StrCat(path_, ": ends at byte ", end, ", but ", bytes, " bytes are wanted at ", offset));
  }

  const std::string path_;
  const int fd_;
  const uint64_t size_;
  const timespec modified_;
};

int OpenRepeating(const std::string& path, int flags, mode_t mode = 0) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

// ResourceExhausted otherwise means that saving failed (exit code 74); a file that cannot be opened for reading is a missing input.
Status CannotOpenForRead(const std::string& path, int error) {
  Status status = ErrnoStatus("cannot open", path, error);
  return absl::IsResourceExhausted(status) ? WithExitCode(std::move(status), ExitCode::kMissingInput) : status;
}

class PosixFileSystem final : public FileSystem {
 public:
  StatusOr<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override {
    const int fd = OpenRepeating(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return ErrnoStatus("cannot create", path, errno);
    return std::make_unique<PosixWritableFile>(path, fd);
  }

  StatusOr<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override {
    const int fd = OpenRepeating(path, O_RDONLY);
    if (fd < 0) return CannotOpenForRead(path, errno);
    struct stat info {};
    if (::fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
      const int error = S_ISDIR(info.st_mode) ? EISDIR : errno;
      CloseOnce(fd);
      return ErrnoStatus("cannot open", path, error);
    }
    return std::make_unique<PosixRandomAccessFile>(path, fd, info);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return ErrnoStatus(absl::StrCat("cannot rename to ", to), from, errno);
  }

  Status Remove(const std::string& path) override {
    return std::remove(path.c_str()) == 0 ? absl::OkStatus() : ErrnoStatus("cannot remove", path, errno);
  }

  Status CreateFolder(const std::string& path) override {
    if (::mkdir(path.c_str(), 0777) == 0) return absl::OkStatus();
    const int error = errno;
    struct stat info {};
    if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return absl::OkStatus();
    return ErrnoStatus("cannot create folder", path, error);
  }

  Status SyncFolder(const std::string& path) override {
    const int fd = OpenRepeating(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return ErrnoStatus("cannot open folder", path, errno);
    int result = 0;
    do result = ::fsync(fd);
    while (result != 0 && errno == EINTR);
    const int error = result == 0 ? 0 : errno;
    CloseOnce(fd);
    // Some network file systems cannot sync a folder; they make names durable by themselves.
    if (error == 0 || error == EINVAL || error == ENOTSUP) return absl::OkStatus();
    return ErrnoStatus("cannot sync folder", path, error);
  }

  StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
    if (!folder) return ErrnoStatus("cannot list", path, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
      errno = 0;
    }
    if (errno != 0) return ErrnoStatus("cannot list", path, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  StatusOr<FileInfo> Stat(const std::string& path) override {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return ErrnoStatus("cannot look at", path, errno);
    FileInfo result;
    result.is_link = S_ISLNK(info.st_mode);
    if (result.is_link && ::stat(path.c_str(), &info) != 0) return result;
    result.is_folder = S_ISDIR(info.st_mode);
    result.bytes = static_cast<uint64_t>(info.st_size);
    result.modified = absl::TimeFromTimespec(info.st_mtim);
    return result;
  }

  StatusOr<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return ErrnoStatus("cannot ask for free space", path, errno);
    return static_cast<uint64_t>(info.f_bavail) * static_cast<uint64_t>(info.f_frsize);
  }
};

}  // namespace

FileSystem& FileSystem::Posix() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace deit::files
