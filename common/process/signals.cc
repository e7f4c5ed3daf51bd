#include "common/process/signals.h"

#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "common/base/status.h"

namespace deit::process {
namespace {

constexpr int kNone = 0, kOwner = -1;
std::atomic<int> stop_cause{kNone};        // or kOwner, or a signal number
std::atomic<int64_t> stop_nanoseconds{0};  // of the monotonic clock, which is Clock::System()'s; written before the cause
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<int64_t>::is_always_lock_free, "a signal handler writes them");

constexpr int kStopSignals[] = {SIGUSR1, SIGTERM, SIGINT};

void Ask(int cause) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t never = 0;
  stop_nanoseconds.compare_exchange_strong(never, int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
  int none = kNone;
  stop_cause.compare_exchange_strong(none, cause);
}

}  // namespace

void InstallStopSignals() {
  ::signal(SIGPIPE, SIG_IGN);
  for (const int signal : kStopSignals) {
    struct sigaction action {};
    action.sa_handler = Ask;
    ::sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    if (signal == SIGINT) action.sa_flags |= static_cast<int>(SA_RESETHAND);
    DEIT_CHECK(::sigaction(signal, &action, nullptr) == 0);
  }
}

void RestoreStopSignals() {
  for (const int signal : kStopSignals) ::signal(signal, SIG_DFL);
}

void RequestStop() { Ask(kOwner); }

absl::Duration StopRequestedAt() { return StopRequested() ? absl::Nanoseconds(stop_nanoseconds.load()) : absl::InfiniteDuration(); }

bool StopRequested() { return stop_cause.load() != kNone; }

const char* StopCause() {
  switch (stop_cause.load()) {
    case SIGUSR1: return "SIGUSR1";
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    case kOwner: return "deit-coord";
    default: return "";
  }
}

}  // namespace deit::process
