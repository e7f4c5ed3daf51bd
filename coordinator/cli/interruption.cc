#include "coordinator/cli/interruption.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace deit::cli {
namespace {

int interrupted = -1;  // an event that stays once it came; -1 before CatchInterrupts()

void Notice(int) {
  const uint64_t once = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(interrupted, &once, sizeof(once));
}

}  // namespace

void CatchInterrupts() {
  if (interrupted >= 0) return;
  interrupted = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  DEIT_CHECK(interrupted >= 0);
  struct sigaction action {};
  action.sa_handler = Notice;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  DEIT_CHECK(::sigaction(SIGINT, &action, nullptr) == 0);
}

bool SleepUnlessInterrupted(absl::Duration duration) {
  Clock& clock = Clock::System();
  const absl::Duration end = clock.Elapsed() + duration;
  for (absl::Duration left = duration; left > absl::ZeroDuration(); left = end - clock.Elapsed()) {
    pollfd event{interrupted, POLLIN, 0};
    constexpr absl::Duration kLongestCall = absl::Hours(1);
    ::poll(&event, 1, static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(std::min(left, kLongestCall), absl::Milliseconds(1)))));
    if (event.revents != 0) return false;
  }
  return true;
}

void EndIfNobodyReads() {
  pollfd output{STDOUT_FILENO, 0, 0};
  if (::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0) ::raise(SIGPIPE);
}

}  // namespace deit::cli
