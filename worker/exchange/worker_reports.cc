#include "worker/exchange/worker_reports.h"

#include <algorithm>

namespace deit::exchange {

uint64_t WorkerReports::Of(int worker, Flag flag) const {
  const auto w = static_cast<size_t>(worker);
  if (topology_->node_of[w] == node()) return memory_->flags().Get(topology_->index_of[w], flag);
  return memory_->remote_reports().Get(worker, flag);
}

uint64_t WorkerReports::Largest(Flag flag) const {
  uint64_t largest = 0;
  for (int w = 0; w < topology_->workers(); ++w) largest = std::max(largest, Of(w, flag));
  return largest;
}

void WorkerReports::Set(Flag flag, uint64_t value) { memory_->flags().Set(member(), flag, value); }

void WorkerReports::AddPiece() { memory_->flags().Increment(member(), kPieces); }

uint64_t WorkerReports::Progress() const {
  uint64_t sum = 0;
  for (int w = 0; w < topology_->workers(); ++w) {
    if (w != worker_) sum += Of(w, kPieces);
  }
  return sum;
}

}  // namespace deit::exchange
