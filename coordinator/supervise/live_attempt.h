// An attempt that lives: its processes, what its workers say, and what is decided about it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/run/run_folder.h"
#include "coordinator/supervise/attempt_process.h"
#include "coordinator/supervise/recovery_timeline.h"
#include "coordinator/supervise/root_cause.h"
#include "coordinator/supervise/watch.h"
#include "proto/control.pb.h"
#include "proto/job.pb.h"

namespace deit::supervise {

// Not thread-safe. Destroying it touches no process.
class LiveAttempt {
 public:
  // Just launched: every worker has to speak in time.
  static LiveAttempt Launched(const run::RunFolder& folder, int attempt, int workers, AttemptProcess process);

  // Launched by another owner, who knew these workers; each has to speak again as if it had just spoken.
  static LiveAttempt TakenOver(const run::RunFolder& folder, const v1::JobRecord& record, AttemptProcess process);

  // What the control channel hears. A worker that speaks over a new connection leaves its old one.
  void OnHello(int64_t connection, const v1::Hello& hello);
  void OnHeartbeat(int64_t connection, const v1::Heartbeat& heartbeat);
  void OnLeaving(int64_t connection);
  void OnClosed(int64_t connection);

  // Sends a stop command over a connection.
  using SendStop = std::function<Status(int64_t connection)>;

  // Looks whether workers died, decides (watch.h) and acts. Call it every few dozen milliseconds, and after OnClosed.
  void Step(const WatchLimits& limits, Wish wish, const SendStop& send_stop);

  // Whether all of it has ended.
  bool Ended();

  // After the end: everything that is known.
  Evidence Gather() const;

  int number() const { return number_; }
  int workers() const { return static_cast<int>(records_.size()); }
  bool AllSpoke() const { return spoken_ > 0; }
  bool stopping() const { return watch_.stop_sent; }
  bool waiting() const;  // for something that will come soon: worth looking more often
  const v1::ProcessIdentity& guardian() const { return process_.guardian(); }
  const std::vector<v1::WorkerRecord>& records() const { return records_; }
  std::string Doings() const;  // "worker 0: step 12, phase reduce; worker 1: ..."

  // Unix seconds, as in RecoveryTimeline: the last sign of life of whatever failed, when that was noticed, and this attempt's beginnings.
  double failed() const;
  double noticed() const { return noticed_; }
  void FillBeginning(RecoveryTimeline* timeline) const;

 private:
  LiveAttempt(const run::RunFolder& folder, int number, int workers, AttemptProcess process);
  std::vector<v1::ProcessIdentity> Processes() const;
  void LookForDead(absl::Duration now);
  void Stop(const SendStop& send_stop);
  void Kill(const WatchDecision& decision);

  run::RunFolder folder_;
  int number_;
  AttemptProcess process_;
  AttemptWatch watch_;
  std::vector<v1::WorkerRecord> records_;
  std::vector<double> closed_;        // by worker; when its connection went, Unix seconds; 0: it is open, or never was
  std::vector<double> died_;          // by worker; 0: lives
  std::vector<double> loaded_;        // by worker; as its heartbeats say, 0: not yet
  std::map<int64_t, int> worker_of_;  // by connection that is open
  WatchDecision verdict_;
  bool stopped_ = false;  // whom it is about was stopped by a signal
  absl::Duration last_step_;
  double spoken_ = 0, noticed_ = 0, first_done_ = 0;
};

}  // namespace deit::supervise
