#include "common/metrics/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace deit::metrics {

StatusOr<AppendFile> AppendFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be opened for appending"));
  return AppendFile(path, fd);
}

AppendFile::AppendFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), pending_(std::move(other.pending_)) {}
AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(pending_, other.pending_);
  return *this;
}
AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status AppendFile::Append(absl::string_view bytes) {
  if (pending_.size() + bytes.size() <= kMaxPendingBytes) absl::StrAppend(&pending_, bytes);
  return WritePending();
}

Status AppendFile::WritePending() {
  while (!pending_.empty()) {
    const ssize_t n = ::write(fd_, pending_.data(), pending_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot be appended to"));
    pending_.erase(0, static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

Status AppendFile::Sync() {
  DEIT_RETURN_IF_ERROR(WritePending());
  if (::fdatasync(fd_) != 0) return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot be synced"));
  return absl::OkStatus();
}

}  // namespace deit::metrics
