// Carries the reports of workers between nodes, in the background.
#pragma once

#include <memory>

#include "worker/collective/communicator.h"
#include "worker/exchange/worker_reports.h"

namespace deit::exchange {

// Sends the reports of a node's workers to the first workers of all other nodes, and receives theirs: a background thread of each node's
// first worker, once a second, and at once where a stop or a step given up is to be told. A thread of its own, since the training thread
// computes for minutes without looking at messages; the session's MPI is MPI_THREAD_MULTIPLE. Lost messages cost nothing but time: a peer
// that is gone is noticed by who waits for it.
class ReportRelay {
 public:
  // Starts the thread. Nothing to do, and null, on workers that are not their node's first, and with one node. All outlive it.
  static std::unique_ptr<ReportRelay> Start(collective::Communicator* world, WorkerReports* reports);
  ~ReportRelay();  // stops it within some 20 ms
  ReportRelay(const ReportRelay&) = delete;
  ReportRelay& operator=(const ReportRelay&) = delete;

 private:
  class Thread;
  explicit ReportRelay(std::unique_ptr<Thread> thread);
  std::unique_ptr<Thread> thread_;
};

}  // namespace deit::exchange
