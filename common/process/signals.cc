#include "common/process/signals.h"

#include <signal.h>

#include <atomic>

#include "common/base/status.h"

namespace deit::process {
namespace {

constexpr int kNone = 0, kOwner = -1;
std::atomic<int> stop_cause{kNone};  // or kOwner, or a signal number
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

void Ask(int cause) {
  int none = kNone;
  stop_cause.compare_exchange_strong(none, cause);
}

}  // namespace

void InstallStopSignals() {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    struct sigaction action {};
    action.sa_handler = Ask;
    ::sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    if (signal == SIGINT) action.sa_flags |= static_cast<int>(SA_RESETHAND);
    DEIT_CHECK(::sigaction(signal, &action, nullptr) == 0);
  }
}

void RequestStop() { Ask(kOwner); }

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
