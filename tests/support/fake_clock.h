// A clock that moves only when a test says so.
#pragma once

#include "common/base/clock.h"

namespace deit::testing {

// Starts at `now`; Elapsed() starts at zero. Not thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1'790'000'000)) : start_(now) {}
  absl::Time Now() override { return start_ + elapsed_; }
  absl::Duration Elapsed() override { return elapsed_; }
  void Sleep(absl::Duration duration) override { elapsed_ += duration; }

 private:
  absl::Time start_;
  absl::Duration elapsed_ = absl::ZeroDuration();
};

}  // namespace deit::testing
