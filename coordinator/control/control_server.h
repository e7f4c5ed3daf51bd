// The owner's end of the control channel: takes connections of the job's workers on loopback, believes only those that prove that they know
// the job's token, and passes on what they say. docs/supervision.md has the protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/base/status.h"
#include "proto/control.pb.h"

namespace boost::asio {
class io_context;
}

namespace deit::control {

// All are set. Called on the thread that runs the io_context. `connection` counts from 1 and names one connection for ever: a worker that
// connects anew has a new one.
struct ControlCallbacks {
  // A worker of the attempt has proved who it is: 0 <= hello.worker < hello.workers. Before the worker knows that it is welcome, and before
  // all else of this connection.
  std::function<void(int64_t connection, const v1::Hello& hello)> on_hello;
  std::function<void(int64_t connection, const v1::Heartbeat& heartbeat)> on_heartbeat;
  // It ends in order: that it closes next is no failure.
  std::function<void(int64_t connection)> on_leaving;
  // Once for each on_hello, at once when the worker's process ends, however it ends. `cause`: "closed by the worker", a socket's error,
  // or a refusal's cause (common/control/refusal.h).
  std::function<void(int64_t connection, const std::string& cause)> on_closed;
  // A connection was refused, as the `count`-th for this cause: called for the 1st, 10th, 100th, 1000th, ...
  std::function<void(const std::string& cause, int64_t count)> on_refused;
};

struct ControlServerOptions {
  std::string job;                                          // id; 8 hex digits
  std::string token;                                        // the job's (common/control/token_file.h)
  absl::Duration introduction_deadline = absl::Seconds(5);  // from the connect
  size_t max_connections = 256;                             // beyond, the oldest that is not introduced yet gives way
};

// Not thread-safe: everything happens on the thread that runs the io_context. Its sockets are not inherited by programs that the
// process starts.
class ControlServer {
 public:
  // Binds a free port of 127.0.0.1. `io` outlives the server.
  static StatusOr<std::unique_ptr<ControlServer>> Start(boost::asio::io_context& io, ControlServerOptions options,
                                                        ControlCallbacks callbacks);
  ~ControlServer();  // closes all connections; no callback comes afterwards. A callback may destroy the server.
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  uint16_t port() const;  // for common/control/control_address.h

  // From now on only workers of `attempt` are let in; before the first call, nobody. Connections that are in stay.
  void SetAttempt(int attempt);

  // Connections refused so far, by cause.
  const std::map<std::string, int64_t>& refused() const;

 private:
  class Impl;
  explicit ControlServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace deit::control
