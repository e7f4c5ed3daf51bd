// Clock interface. Code that waits or takes time stamps uses a Clock, so that a test controls time.
#pragma once

#include "absl/time/time.h"

namespace deit {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;          // wall time, for stamps
  virtual absl::Duration Elapsed() = 0;  // monotonic, for deadlines and rates; zero is arbitrary
  virtual void Sleep(absl::Duration duration) = 0;

  static Clock& System();  // the process's real clock
};

}  // namespace deit
