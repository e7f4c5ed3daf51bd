#include "common/process/children.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"

namespace deit::process {

void AdoptOrphans() { DEIT_CHECK(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0); }

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator(absl::StrCat("/proc/", parent, "/task"), gone)) {
    std::ifstream file(thread.path() / "children");
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

std::vector<pid_t> Children() { return ChildrenOf(::getpid()); }

int KillChildren(absl::Duration limit) {
  constexpr absl::Duration kNap = absl::Milliseconds(2);
  std::set<pid_t> killed;
  const absl::Duration end = Clock::System().Elapsed() + limit;
  while (Clock::System().Elapsed() < end) {
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (reaped < 0 && errno == ECHILD) break;  // an empty list could also mean that it cannot be read
    for (const pid_t child : Children()) {
      if (::kill(child, SIGKILL) == 0) killed.insert(child);
    }
    Clock::System().Sleep(kNap);
  }
  return static_cast<int>(killed.size());
}

}  // namespace deit::process
