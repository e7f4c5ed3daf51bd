#include "common/files/stream_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "common/files/errno_status.h"

namespace deit::files {

StatusOr<std::string> ReadToEnd(const std::string& path, size_t max_bytes, absl::Duration silence_limit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe without a writer is waited for below
  if (fd < 0) return ErrnoStatus("cannot open", path, errno);
  const absl::Cleanup close = [fd] { ::close(fd); };
  struct stat info {};
  if (::fstat(fd, &info) != 0) return ErrnoStatus("cannot open", path, errno);
  if (S_ISDIR(info.st_mode)) return ErrnoStatus("cannot open", path, EISDIR);
  std::string content;
  for (char piece[4096];;) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    const int polled = ::poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(silence_limit)));
    if (polled == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat(path, ": timed out after ", absl::FormatDuration(silence_limit), " waiting for its content"));
    }
    const ssize_t got = polled < 0 ? -1 : ::read(fd, piece, sizeof(piece));
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return ErrnoStatus("cannot read", path, errno);
    if (got == 0) return content;
    content.append(piece, static_cast<size_t>(got));
    if (content.size() > max_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(path, ": more than the ", max_bytes, " bytes expected here"));
    }
  }
}

}  // namespace deit::files
