// The owner's end of the control channel: accepts connections, admits workers that know the job's token, and carries messages both ways.
// docs/supervision.md has the protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/control/admission.h"
#include "common/control/control_address.h"
#include "proto/control.pb.h"

namespace boost::asio {
class io_context;
}

namespace deit::control {

using ConnectionId = int64_t;  // from 1; never used twice: a worker that connects again has a new one

// Receives what the workers of one role send. Called on the thread that runs the io_context. Any call may close or destroy the server.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;

  // A worker of an admitted launch has authenticated itself (admission.h has the bounds of its numbers). The first call for a connection.
  virtual void OnHello(ConnectionId connection, const v1::Hello& hello) = 0;

  // `message` has its oneof set.
  virtual void OnMessage(ConnectionId connection, const v1::WorkerMessage& message) = 0;

  // Once for each OnHello, as soon as the worker's process ends, however it ends. `cause`: "closed by the worker", a socket's error, a
  // rejection's cause (rejection.h), or a full send queue.
  virtual void OnClosed(ConnectionId connection, const std::string& cause) = 0;
};

// min(256, a quarter of the process's descriptors).
size_t DefaultMaxConnections();

struct ServerOptions {
  std::string job;                                       // id; 8 hex digits
  std::string token;                                     // the job's (token_file.h)
  std::map<v1::Role::Value, MessageHandler*> handlers;   // outlive the server; only launches of these roles can be admitted
  ControlAddress bind = {};                              // 127.0.0.1, a free port
  absl::Duration handshake_deadline = absl::Seconds(5);  // from the connect
  size_t max_connections = DefaultMaxConnections();      // beyond, the oldest that is not authenticated is closed
  size_t max_queued_bytes = 256 << 10;                   // to one worker that does not read
  // A connection was rejected, as the `count`-th for this cause. Called for the 1st, 10th, 100th, 1000th, ...
  std::function<void(const std::string& cause, int64_t count)> on_rejected = [](const std::string&, int64_t) {};
};

// Not thread-safe: everything happens on the thread that runs the io_context. Many servers may share one. Sockets are not inherited by
// programs that the process starts.
class Server {
 public:
  // Binds and listens. `io` outlives the server.
  static StatusOr<std::unique_ptr<Server>> Start(boost::asio::io_context& io, ServerOptions options);
  ~Server();  // Close()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const ControlAddress& address() const;  // with the real port

  // Workers of `launch` are admitted from now on; of no launch before the first call.
  void Admit(int launch, const AdmittedLaunch& admitted);

  // Workers of `launch` are no longer admitted. Its open connections stay.
  void Revoke(int launch);

  // Sends at once or queues; never blocks and never calls a handler. NotFound when the connection is closed. ResourceExhausted when the
  // queue is full, Unavailable for a socket's error: the connection is closed, and OnClosed follows.
  Status Send(ConnectionId connection, const v1::OwnerMessage& message);

  // Stops listening and closes all connections; no handler is called afterwards. `on_ended` is called from the io_context once no operation
  // of the server is left in it; the Server may be destroyed before. At most once.
  void Close(std::function<void()> on_ended = nullptr);

  // Connections rejected so far, by cause.
  const std::map<std::string, int64_t>& rejected() const;

 private:
  class Impl;
  explicit Server(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace deit::control
