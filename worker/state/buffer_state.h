// Batch norm's running statistics: small, so every worker keeps them all, and all stay equal because all apply the same sums.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/models/tensor_spec.h"

namespace deit::state {

// Not thread-safe. Running means start at 0, variances at 1, the count of batches at 0.
class BufferState {
 public:
  BufferState(const std::vector<models::TensorSpec>& tensors, bool with_ema);

  // Floats of all running means and variances: one lane's statistics have the same layout, offset_of(tensor) floats from the start.
  int64_t size() const { return static_cast<int64_t>(values_.size()); }
  int64_t offset_of(int tensor) const { return offset_[static_cast<size_t>(tensor)]; }  // -1: not a running mean or variance
  float* values() { return values_.data(); }
  const float* values() const { return values_.data(); }
  float* ema() { return ema_.empty() ? nullptr : ema_.data(); }
  int64_t batches_tracked = 0;  // steps that were counted

  // running = 0.9 running + 0.1 mean over the lanes; `lane_sums` is the sum over all lanes, of size() floats. Then the EMA.
  void Update(const float* lane_sums, int lanes, double ema_decay);

  void StartEma() {
    if (!ema_.empty()) ema_ = values_;
  }

  // values() and ema() change places; both stay where they are. Needs an EMA.
  void SwapEma();

  // As new. values() stay where they are.
  void Reset();

 private:
  std::vector<int64_t> offset_;
  std::vector<float> values_, ema_, initial_;
};

}  // namespace deit::state
