// A worker's end of the control channel: a background thread that tells the job's owner where the worker is, for as long as there is
// an owner, and looks for one when there is none. Training neither waits for it nor fails with it. docs/supervision.md has the protocol.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "proto/control.pb.h"

namespace deit::control {

struct HeartbeatOptions {
  std::string control_path;                            // RUN/control.json; may be missing or stale: the owner may be dead
  std::string token_path;                              // the job's token (token_file.h)
  v1::Hello hello;                                     // who this worker is
  std::function<v1::Heartbeat()> sample;               // where it is now; quick, and thread-safe: the background thread calls it
  absl::Duration interval = absl::Milliseconds(200);   // between heartbeats, and between two looks for an owner
  absl::Duration welcome_deadline = absl::Seconds(5);  // for an owner to let this worker in, from the connect
};

// Both files are read anew at each connect, so that a restarted owner is found wherever it listens. Says once per change, through
// LogInfo, that the owner is absent, lost, found again, or refuses this worker and why.
class HeartbeatClient {
 public:
  // Never fails and never blocks: where the background thread cannot be started, that is said and the worker goes on unheard.
  static std::unique_ptr<HeartbeatClient> Start(HeartbeatOptions options);

  // Ends in order: a connected owner is told that this worker leaves. Takes at most about 50 ms, whatever the owner does; `sample` is not
  // called afterwards.
  ~HeartbeatClient();
  HeartbeatClient(const HeartbeatClient&) = delete;
  HeartbeatClient& operator=(const HeartbeatClient&) = delete;

  // Sends a heartbeat at once instead of at the interval's end; without an owner, looks for one at once. Does not block. Thread-safe.
  void Nudge();

 private:
  class Impl;
  explicit HeartbeatClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // null: the background thread could not be started
};

}  // namespace deit::control
