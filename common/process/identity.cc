#include "common/process/identity.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/mutex.h"

namespace deit::process {
namespace {

struct Stat {
  char state;
  uint64_t start_time;

  bool lives() const { return state != 'Z' && state != 'X'; }
};

// A small file of /proc. Its errno is the answer where it cannot be read: ENOENT and ESRCH say that the process is gone, nothing else does.
StatusOr<std::string> ReadProcFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? absl::NotFoundError(path) : absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  const absl::Cleanup close_file = [fd] { ::close(fd); };
  std::string text;
  char piece[4096];
  for (;;) {
    const ssize_t got = ::read(fd, piece, sizeof(piece));
    if (got == 0) return text;
    if (got > 0) text.append(piece, static_cast<size_t>(got));
    else if (errno == ESRCH) return absl::NotFoundError(path);
    else if (errno != EINTR) return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
}

// NotFound: no such process. Unavailable: that cannot be told.
StatusOr<Stat> ReadStat(int64_t pid) {
  // kill(2) needs no descriptor, and does not depend on what /proc shows.
  const auto number = static_cast<pid_t>(pid);
  if (number <= 0 || number != pid || (::kill(number, 0) != 0 && errno == ESRCH)) return absl::NotFoundError("no such process");
  const std::string path = absl::StrCat("/proc/", pid, "/stat");
  auto text = ReadProcFile(path);
  if (absl::IsNotFound(text.status()) && (::kill(number, 0) == 0 || errno != ESRCH)) return absl::UnavailableError(path);  // /proc hides it
  if (!text.ok()) return text.status();
  // The fields behind the program's name, which may itself hold blanks and brackets.
  const size_t name_end = text->rfind(')');
  if (name_end == std::string::npos) return absl::UnavailableError(absl::StrCat(path, ": not understood"));
  constexpr size_t kState = 0, kStartTime = 19;  // fields 3 and 22 of the whole line
  const std::vector<std::string> fields = absl::StrSplit(text->substr(name_end + 1), ' ', absl::SkipEmpty());
  Stat stat{};
  if (fields.size() <= kStartTime || !absl::SimpleAtoi(fields[kStartTime], &stat.start_time)) {
    return absl::UnavailableError(absl::StrCat(path, ": not understood"));
  }
  stat.state = fields[kState][0];
  return stat;
}

// Read once: a machine may be given another name while a job runs.
const std::string& HostName() {
  static const std::string& name = *new std::string([] {
    char host[HOST_NAME_MAX + 1] = "unknown";
    ::gethostname(host, sizeof(host) - 1);
    return std::string(host);
  }());
  return name;
}

uint64_t PidNamespace() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? static_cast<uint64_t>(info.st_ino) : 0;
}

bool InThisNamespace(const v1::ProcessIdentity& identity) {
  return identity.pid_namespace() == 0 || identity.pid_namespace() == PidNamespace();
}

}  // namespace

std::string BootId() {
  static Mutex mutex;
  static std::string& id = *new std::string();  // kept once it was read: later there may be no descriptor left
  const MutexLock lock(mutex);
  if (id.empty()) {
    const auto text = ReadProcFile("/proc/sys/kernel/random/boot_id");
    if (text.ok()) id = std::string(absl::StripAsciiWhitespace(*text));
  }
  return id;
}

StatusOr<v1::ProcessIdentity> IdentityOf(pid_t pid) {
  const auto stat = ReadStat(pid);
  if (absl::IsUnavailable(stat.status())) return stat.status();
  if (!stat.ok() || !stat->lives()) return absl::NotFoundError(absl::StrCat("process ", pid, ": does not live"));
  v1::ProcessIdentity identity;
  identity.set_host(HostName());
  identity.set_boot_id(BootId());
  identity.set_pid(pid);
  identity.set_start_time(stat->start_time);
  identity.set_pid_namespace(PidNamespace());
  return identity;
}

v1::ProcessIdentity Self() {
  auto self = IdentityOf(::getpid());
  DEIT_CHECK(self.ok(), self.status().message(), ": is /proc mounted?");
  return *std::move(self);
}

bool OnThisMachine(const v1::ProcessIdentity& identity) { return !identity.boot_id().empty() && identity.boot_id() == BootId(); }

Life LifeOf(const v1::ProcessIdentity& identity) {
  if (identity.pid() <= 0) return Life::kDead;
  if (BootId().empty()) return Life::kHidden;
  if (!OnThisMachine(identity)) return Life::kUnknown;
  if (!InThisNamespace(identity)) return Life::kHidden;
  const auto stat = ReadStat(identity.pid());
  if (absl::IsUnavailable(stat.status())) return Life::kHidden;
  return stat.ok() && stat->start_time == identity.start_time() && stat->lives() ? Life::kAlive : Life::kDead;
}

bool IsStopped(const v1::ProcessIdentity& identity) {
  if (LifeOf(identity) != Life::kAlive) return false;
  const auto stat = ReadStat(identity.pid());
  return stat.ok() && (stat->state == 'T' || stat->state == 't');
}

bool Catches(pid_t pid, int signal) {
  const auto text = ReadProcFile(absl::StrCat("/proc/", pid, "/status"));
  if (!text.ok()) return false;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    uint64_t caught = 0;
    if (!absl::ConsumePrefix(&line, "SigCgt:") || !absl::SimpleHexAtoi(absl::StripAsciiWhitespace(line), &caught)) continue;
    return (caught >> (signal - 1) & 1) != 0;
  }
  return false;
}

Status Signal(const v1::ProcessIdentity& identity, int signal) {
  const auto pid = static_cast<pid_t>(identity.pid());
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  const absl::Cleanup close_handle = [handle] {
    if (handle >= 0) ::close(handle);
  };
  switch (LifeOf(identity)) {  // the handle is open: if it lives now, the handle is its
    case Life::kUnknown: return absl::FailedPreconditionError(absl::StrCat(Describe(identity), ": of another machine"));
    case Life::kHidden: return absl::FailedPreconditionError(absl::StrCat(Describe(identity), ": cannot be seen from here"));
    case Life::kDead: return absl::NotFoundError(absl::StrCat(Describe(identity), ": has ended"));
    case Life::kAlive: break;
  }
  if (handle >= 0 && ::syscall(SYS_pidfd_send_signal, handle, signal, nullptr, 0) == 0) return absl::OkStatus();
  if (handle >= 0 && errno == ESRCH) return absl::NotFoundError(absl::StrCat(Describe(identity), ": has ended"));
  // Kernels before 5.3, and seccomp filters, know no handles: a number is not used again within the moment since the look.
  if (::kill(pid, signal) == 0) return absl::OkStatus();
  if (errno == ESRCH) return absl::NotFoundError(absl::StrCat(Describe(identity), ": has ended"));
  return absl::PermissionDeniedError(absl::StrCat(Describe(identity), ": cannot send signal ", signal, ": ", std::strerror(errno)));
}

std::string Describe(const v1::ProcessIdentity& identity) { return absl::StrCat("process ", identity.pid(), " on ", identity.host()); }

}  // namespace deit::process
