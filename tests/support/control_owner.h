// An owner's end of the control channel on a thread of its own, and a record of what it received, for tests that wait with a deadline.
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
#include "common/control/server.h"

namespace deit::testing {

class ControlOwner : private control::MessageHandler {
 public:
  struct Received {
    std::vector<std::pair<int64_t, v1::Hello>> hellos;
    std::vector<std::pair<int64_t, v1::Heartbeat>> heartbeats;
    std::vector<int64_t> leavings;
    std::vector<std::pair<int64_t, std::string>> closed;
    std::vector<std::pair<std::string, int64_t>> rejected;  // as called back
  };

  // Handles students and teachers, and admits the students of launch 1 with `workers` workers.
  explicit ControlOwner(control::ServerOptions options, int workers = 1);
  ~ControlOwner();  // closes all connections, as its death would
  ControlOwner(const ControlOwner&) = delete;
  ControlOwner& operator=(const ControlOwner&) = delete;

  const control::ControlAddress& address() const;
  uint16_t port() const { return address().port; }
  Received received() const;
  std::map<std::string, int64_t> rejected() const;
  void Admit(int launch, const control::AdmittedLaunch& admitted);
  void Revoke(int launch);
  Status Send(int64_t connection, const v1::OwnerMessage& message);

  // Runs `action` on the owner's thread and waits for it.
  void Do(const std::function<void(control::Server&)>& action) const;

  // Whether what was received comes to satisfy `wanted` within kTimeout.
  bool Await(const std::function<bool(const Received&)>& wanted) const;
  bool AwaitRejected(const std::string& cause, int64_t count) const;  // rejected() comes to hold so many

  static constexpr absl::Duration kTimeout = absl::Seconds(40);

 private:
  void OnHello(control::ConnectionId connection, const v1::Hello& hello) override;
  void OnMessage(control::ConnectionId connection, const v1::WorkerMessage& message) override;
  void OnClosed(control::ConnectionId connection, const std::string& cause) override;
  void Record(const std::function<void(Received&)>& change);

  struct Thread;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Received received_;  // guarded by mutex_
  std::unique_ptr<Thread> thread_;
};

}  // namespace deit::testing
