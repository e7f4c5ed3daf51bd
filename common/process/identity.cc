#include "common/process/identity.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deit::process {
namespace {

struct Stat {
  char state;
  uint64_t start_time;
};

// The fields behind the program's name, which may itself hold blanks and brackets.
std::optional<Stat> ReadStat(int64_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  constexpr size_t kState = 0, kStartTime = 19;  // fields 3 and 22 of the whole line
  const std::vector<std::string> fields = absl::StrSplit(line.substr(name_end + 1), ' ', absl::SkipEmpty());
  Stat stat{};
  if (fields.size() <= kStartTime || !absl::SimpleAtoi(fields[kStartTime], &stat.start_time)) return std::nullopt;
  stat.state = fields[kState][0];
  return stat;
}

std::string HostName() {
  char host[HOST_NAME_MAX + 1] = "unknown";
  ::gethostname(host, sizeof(host) - 1);
  return host;
}

std::string BootId() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace

StatusOr<v1::ProcessIdentity> IdentityOf(pid_t pid) {
  const auto stat = ReadStat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return absl::NotFoundError(absl::StrCat("process ", pid, ": does not live"));
  v1::ProcessIdentity identity;
  identity.set_host(HostName());
  identity.set_boot_id(BootId());
  identity.set_pid(pid);
  identity.set_start_time(stat->start_time);
  return identity;
}

v1::ProcessIdentity Self() {
  auto self = IdentityOf(::getpid());
  DEIT_CHECK(self.ok(), self.status().message(), ": is /proc mounted?");
  return *std::move(self);
}

Life LifeOf(const v1::ProcessIdentity& identity) {
  if (identity.pid() <= 0) return Life::kDead;
  if (identity.host() != HostName()) return Life::kUnknown;
  if (identity.boot_id() != BootId()) return Life::kDead;
  const auto stat = ReadStat(identity.pid());
  const bool alive = stat && stat->start_time == identity.start_time() && stat->state != 'Z' && stat->state != 'X';
  return alive ? Life::kAlive : Life::kDead;
}

bool IsStopped(const v1::ProcessIdentity& identity) {
  const auto stat = ReadStat(identity.pid());
  return LifeOf(identity) == Life::kAlive && stat && (stat->state == 'T' || stat->state == 't');
}

Status Signal(const v1::ProcessIdentity& identity, int signal) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(identity.pid()), 0));
  const absl::Cleanup close_handle = [handle] {
    if (handle >= 0) ::close(handle);
  };
  switch (LifeOf(identity)) {  // the handle is open: if it lives now, the handle is its
    case Life::kUnknown: return absl::FailedPreconditionError(absl::StrCat(Describe(identity), ": of another host"));
    case Life::kDead: return absl::NotFoundError(absl::StrCat(Describe(identity), ": has ended"));
    case Life::kAlive: break;
  }
  if (handle >= 0 && ::syscall(SYS_pidfd_send_signal, handle, signal, nullptr, 0) == 0) return absl::OkStatus();
  if (errno == ESRCH) return absl::NotFoundError(absl::StrCat(Describe(identity), ": has ended"));
  return absl::PermissionDeniedError(absl::StrCat(Describe(identity), ": cannot send signal ", signal, ": ", std::strerror(errno)));
}

std::string Describe(const v1::ProcessIdentity& identity) { return absl::StrCat("process ", identity.pid(), " on ", identity.host()); }

}  // namespace deit::process
