// An owner's end of the control channel on a thread of its own, and what it was told, for tests that wait for it with a deadline.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/control/control_server.h"

namespace deit::testing {

class ControlOwner {
 public:
  struct Said {
    std::vector<std::pair<int64_t, v1::Hello>> hellos;
    std::vector<std::pair<int64_t, v1::Heartbeat>> heartbeats;
    std::vector<int64_t> leavings;
    std::vector<std::pair<int64_t, std::string>> closed;
    std::vector<std::pair<std::string, int64_t>> refused;  // as called back
  };

  // Lets workers of attempt 1 in.
  explicit ControlOwner(control::ControlServerOptions options);
  ~ControlOwner();  // closes all connections, as its death would
  ControlOwner(const ControlOwner&) = delete;
  ControlOwner& operator=(const ControlOwner&) = delete;

  uint16_t port() const;
  Said said() const;
  std::map<std::string, int64_t> refused() const;
  void SetAttempt(int attempt);

  // Whether what was said comes to satisfy `wanted` within kTimeout.
  bool Await(const std::function<bool(const Said&)>& wanted) const;
  bool AwaitRefused(const std::string& cause, int64_t count) const;  // refused() comes to say so

  static constexpr absl::Duration kTimeout = absl::Seconds(20);

 private:
  struct Thread;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Said said_;  // guarded by mutex_
  std::unique_ptr<Thread> thread_;
};

}  // namespace deit::testing
