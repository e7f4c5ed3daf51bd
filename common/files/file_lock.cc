#include "common/files/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/files/errno_status.h"

namespace deit::files {
namespace {

// A process that only asks for a lock's state holds it for microseconds.
constexpr absl::Duration kProbeLimit = absl::Milliseconds(100);
constexpr absl::Duration kNap = absl::Milliseconds(2);
constexpr int kProbes = 3;
constexpr int kTakes = 20;
constexpr size_t kTextBytes = 64 << 10;

bool HasNoLocks(int error) {
  return error == ENOSYS || error == EOPNOTSUPP || error == EINVAL || error == ENOLCK;  // Lustre without -o flock, FUSE; NFS without lockd
}

// Of the open file description too, so that it is passed on and ends like flock's.
int LockByRecord(int fd, int operation) {
  struct flock range {};
  const int kind = operation & ~LOCK_NB;
  range.l_type = static_cast<decltype(range.l_type)>(kind == LOCK_EX ? F_WRLCK : kind == LOCK_SH ? F_RDLCK : F_UNLCK);
  range.l_whence = SEEK_SET;
  while (::fcntl(fd, F_OFD_SETLK, &range) != 0) {
    if (errno == EAGAIN || errno == EACCES) return EWOULDBLOCK;
    if (errno != EINTR) return errno;
  }
  return 0;
}

// 0 or an errno. A file system knows flock for all of its files or for none, so that all who ask for a lock ask the same way.
int Flock(int fd, int operation) {
  while (::flock(fd, operation) != 0) {
    if (errno == EINTR) continue;
    return HasNoLocks(errno) ? LockByRecord(fd, operation) : errno;
  }
  return 0;
}

// 0, EWOULDBLOCK after kProbeLimit, or another errno.
int FlockSoon(int fd, int operation) {
  const absl::Duration end = Clock::System().Elapsed() + kProbeLimit;
  for (;;) {
    const int error = Flock(fd, operation | LOCK_NB);
    if (error != EWOULDBLOCK || Clock::System().Elapsed() >= end) return error;
    Clock::System().Sleep(kNap);
  }
}

std::string TextOf(int fd) {
  std::string text(kTextBytes, '\0');
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return std::string(absl::StripAsciiWhitespace(text));
}

std::string OwnerIn(int fd) {
  const std::string text = TextOf(fd);
  return text.empty() ? "another process" : text;
}

// Whether the open file behind that descriptor has a lock: proc(5), fdinfo. A process that only asks has its file open too.
bool IsLocked(pid_t pid, const std::string& descriptor) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/fdinfo/", descriptor));
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "lock:")) return true;
  }
  return false;
}

}  // namespace

StatusOr<FileLock> FileLock::Take(const std::string& path, int operation) {
  Status in_place;
  for (int i = 0; i < kTakes; ++i) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0666);
    if (fd < 0) return ErrnoStatus("cannot create", path, errno);
    FileLock lock(path, fd);
    const int error = FlockSoon(fd, operation);
    if (error == EWOULDBLOCK) return absl::FailedPreconditionError(absl::StrCat(path, ": in use by ", OwnerIn(fd)));
    if (error != 0) {
      const Status failed = ErrnoStatus("cannot lock", path, error);
      return HasNoLocks(error) ? absl::UnimplementedError(failed.message()) : failed;
    }
    in_place = lock.CheckInPlace();
    if (in_place.ok()) return lock;
    // Removed between open and flock: the lock is that of the file that is there now.
    if (!absl::IsNotFound(in_place) && !absl::IsAborted(in_place)) return in_place;
  }
  return in_place;
}

StatusOr<FileLock> FileLock::Acquire(const std::string& path, absl::string_view owner) {
  DEIT_ASSIGN_OR_RETURN(FileLock lock, Take(path, LOCK_EX));
  const std::string line = absl::StrCat(owner, "\n");
  // The text only serves the message of others: a full disk must not keep a process from taking the lock.
  if (::ftruncate(lock.fd_, 0) != 0 || ::write(lock.fd_, line.data(), line.size()) < 0) return lock;
  return lock;
}

StatusOr<FileLock> FileLock::AcquireShared(const std::string& path, absl::string_view holder) {
  DEIT_ASSIGN_OR_RETURN(FileLock lock, Take(path, LOCK_SH));
  const std::string line = absl::StrCat(holder, "\n");
  if (::write(lock.fd_, line.data(), line.size()) < 0) return lock;
  return lock;
}

StatusOr<FileLock> FileLock::Adopt(const std::string& path, int descriptor) {
  struct stat info {};
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) return FileLock(path, descriptor);
  return absl::FailedPreconditionError(absl::StrCat(path, ": its lock was not passed on"));
}

Status FileLock::CheckInPlace() const {
  struct stat held {
  }, there{};
  if (::fstat(fd_, &held) != 0) return ErrnoStatus("cannot look at the locked file", path_, errno);
  if (::stat(path_.c_str(), &there) != 0) return ErrnoStatus("cannot look at the lock file", path_, errno);
  if (held.st_ino == there.st_ino && held.st_dev == there.st_dev) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(path_, ": is another file than the one that was locked"));
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

LockProbe::LockProbe(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
  if (fd_ < 0 && (errno == EACCES || errno == EROFS)) fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

LockProbe::~LockProbe() {
  if (fd_ >= 0) ::close(fd_);
}

LockState LockProbe::State() const {
  for (int i = 0; i < kProbes; ++i) {  // two who ask at the same time see each other
    if (i > 0) Clock::System().Sleep(kNap);
    const int error = fd_ < 0 ? EBADF : Flock(fd_, LOCK_EX | LOCK_NB);
    if (error == 0) return Flock(fd_, LOCK_UN) == 0 ? LockState::kFree : LockState::kUnknown;
    if (error != EWOULDBLOCK) return LockState::kUnknown;
  }
  return LockState::kHeld;
}

bool LockProbe::IsOpenIn(pid_t pid) const { return !DescriptorsIn(pid).empty(); }

std::vector<std::string> LockProbe::DescriptorsIn(pid_t pid) const {
  std::vector<std::string> numbers;
  struct stat own {
  }, other{};
  if (fd_ < 0 || ::fstat(fd_, &own) != 0) return numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(absl::StrCat("/proc/", pid, "/fd"), error), end; !error && entry != end;
       entry.increment(error)) {
    const bool same = ::stat(entry->path().c_str(), &other) == 0 && other.st_ino == own.st_ino && other.st_dev == own.st_dev;
    if (same) numbers.push_back(entry->path().filename());
  }
  return numbers;
}

std::vector<pid_t> LockProbe::Holders() const {
  std::vector<pid_t> holders;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry->path().filename().string(), &pid) || pid == ::getpid()) continue;
    const std::vector<std::string> numbers = DescriptorsIn(pid);
    const bool holds = std::any_of(numbers.begin(), numbers.end(), [pid](const std::string& number) { return IsLocked(pid, number); });
    if (holds) holders.push_back(pid);
  }
  return holders;
}

std::string LockProbe::Text() const { return fd_ < 0 ? "" : TextOf(fd_); }

}  // namespace deit::files
