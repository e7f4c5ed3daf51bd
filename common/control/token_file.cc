#include "common/control/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/control/hmac.h"
#include "common/files/errno_status.h"

namespace deit::control {

using files::ErrnoStatus;

// FileSystem knows no modes, so this is done by system calls. Written aside and linked: unlike a rename, a link never replaces.
StatusOr<std::string> CreateToken(const std::string& path) {
  const std::string aside = path + ".tmp";
  ::unlink(aside.c_str());  // of an owner that was killed right here
  const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus("cannot create", aside, errno);
  const absl::Cleanup remove_aside = [&] {
    ::close(fd);
    ::unlink(aside.c_str());
  };
  const std::string token = RandomBytes(kTokenBytes);
  const ssize_t written = ::write(fd, token.data(), token.size());
  if (written != static_cast<ssize_t>(token.size())) return ErrnoStatus("cannot write", aside, written < 0 ? errno : ENOSPC);
  if (::fsync(fd) != 0) return ErrnoStatus("cannot sync", aside, errno);
  if (::link(aside.c_str(), path.c_str()) != 0) return ErrnoStatus("cannot create", path, errno);
  return token;
}

StatusOr<std::string> ReadToken(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus("cannot open", path, errno);
  const absl::Cleanup close_file = [fd] { ::close(fd); };
  struct stat info {};
  if (::fstat(fd, &info) != 0) return ErrnoStatus("cannot examine", path, errno);
  if (!S_ISREG(info.st_mode)) return absl::DataLossError(absl::StrCat(path, ": is no file"));
  if (info.st_uid != ::geteuid()) return absl::PermissionDeniedError(absl::StrCat(path, ": belongs to another user"));
  if ((info.st_mode & 077) != 0) {
    return WithHint(absl::PermissionDeniedError(absl::StrFormat("%s: mode %04o: others may know this secret", path, info.st_mode & 07777)),
                    absl::StrCat("stop the job, then remove ", path, ": the next start draws another"));
  }
  std::string bytes(kTokenBytes + 1, '\0');
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  if (got < 0) return ErrnoStatus("cannot read", path, errno);
  if (got != static_cast<ssize_t>(kTokenBytes)) {
    return absl::DataLossError(absl::StrCat(path, ": is no token: want ", kTokenBytes, " bytes"));
  }
  bytes.resize(kTokenBytes);
  return bytes;
}

}  // namespace deit::control
