// A worker's end of the control channel: a thread that sends heartbeats to the job's owner and receives its commands, for as long as there is
// an owner, and looks for one when there is none. Training neither waits for it nor fails with it. docs/supervision.md has the protocol.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/base/status.h"
#include "proto/control.pb.h"

namespace deit::control {

// Logs a change of the connection's state (ClientOptions::on_change).
void LogConnectionChange(const Status& state);

// The callbacks are called on the client's thread, and not after the client's end; they must be quick.
struct ClientOptions {
  std::string control_path;                                 // RUN/control.json; may be missing or stale: the owner may be dead
  std::string token_path;                                   // the job's token (token_file.h)
  v1::Hello hello;                                          // the identity of this worker
  std::function<v1::Heartbeat()> sample;                    // the progress of this worker
  std::function<void(const v1::OwnerMessage&)> on_message;  // a command of the authenticated owner; its oneof is set

  // The state of the connection has changed. OK: connected again after a failure; PermissionDenied: rejected, the message has the owner's
  // reason (not authenticated: for logs only); anything else: no owner, the message says why.
  std::function<void(const Status&)> on_change = LogConnectionChange;

  absl::Duration interval = absl::Milliseconds(200);     // between heartbeats, and between two attempts to connect
  absl::Duration handshake_deadline = absl::Seconds(5);  // for an owner to admit this worker, from the connect
};

// Both files are read at each connect, so that a restarted owner is found at any address.
class Client {
 public:
  // Never fails and never blocks: where the thread cannot be started, that is logged and the worker goes on without a channel.
  static std::unique_ptr<Client> Start(ClientOptions options);

  // Tells a connected owner that this worker leaves. Takes at most about 50 ms, whatever the owner does.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends a heartbeat at once instead of at the interval's end; without an owner, looks for one at once. Does not block. Thread-safe.
  void SendNow();

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // null: the thread could not be started
};

}  // namespace deit::control
