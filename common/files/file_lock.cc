#include "common/files/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "common/files/errno_status.h"

namespace deit::files {
namespace {

std::string OwnerIn(int fd) {
  char text[256];
  const ssize_t got = ::pread(fd, text, sizeof(text), 0);
  if (got <= 0) return "another process";
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text, static_cast<size_t>(got))));
}

}  // namespace

StatusOr<FileLock> FileLock::Acquire(const std::string& path, absl::string_view owner) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoStatus("cannot create", path, errno);
  FileLock lock(fd);
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return ErrnoStatus("cannot lock", path, errno);
    return absl::FailedPreconditionError(absl::StrCat(path, ": in use by ", OwnerIn(fd)));
  }
  const std::string line = absl::StrCat(owner, "\n");
  // The text only serves the message of others: a full disk must not keep anybody from taking the lock.
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, line.data(), line.size(), 0) < 0) return lock;
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace deit::files
