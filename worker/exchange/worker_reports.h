// Reports of all workers of the launch: step, phase and pieces of work, and what cannot wait for the next exchange. Workers of one node see
// each other's reports in the node's memory at once; those of other nodes arrive about once a second.
#pragma once

#include <cstdint>

#include "worker/collective/wait.h"
#include "worker/exchange/node_buffers.h"
#include "worker/exchange/topology.h"

namespace deit::exchange {

// One per worker. Thread-safe. Topology and memory are not owned.
class WorkerReports final : public collective::ProgressSource {
 public:
  WorkerReports(const Topology* topology, NodeBuffers* memory, int worker) : topology_(topology), memory_(memory), worker_(worker) {}

  // A flag before kReportFlags, of any worker.
  uint64_t Of(int worker, Flag flag) const;
  uint64_t Largest(Flag flag) const;  // of all workers

  // Of this worker. kPieces: AddPiece alone.
  void Set(Flag flag, uint64_t value);
  void AddPiece();

  // Pieces of work of all other workers: a wait is renewed while anybody else does something.
  uint64_t Progress() const override;

  const Topology& topology() const { return *topology_; }
  NodeBuffers& memory() const { return *memory_; }
  int worker() const { return worker_; }
  int node() const { return topology_->node_of[static_cast<size_t>(worker_)]; }
  int member() const { return topology_->index_of[static_cast<size_t>(worker_)]; }

 private:
  const Topology* topology_;
  NodeBuffers* memory_;
  int worker_;
};

}  // namespace deit::exchange
