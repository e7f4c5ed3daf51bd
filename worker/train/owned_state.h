// The optimizer's state of one worker: moments and EMA of the parts that it owns, and of no other (ZeRO-1, https://arxiv.org/abs/1910.02054).
#pragma once

#include <cstdint>
#include <vector>

#include "common/plan/grid.h"
#include "common/plan/parts.h"
#include "worker/update/block_math.h"

namespace deit::train {

// One block of an owned part.
struct OwnedBlock {
  int block;       // of the grid
  int64_t offset;  // in the flat buffers
  int64_t count;
  int64_t local;  // in exp_avg, exp_avg_sq and ema
};

// Not thread-safe. Moments start at zero.
class OwnedState {
 public:
  OwnedState(const plan::Grid& grid, const plan::Parts& parts, int worker, bool with_ema);

  const std::vector<OwnedBlock>& blocks() const { return blocks_; }  // ascending
  float* exp_avg() { return exp_avg_.data(); }
  float* exp_avg_sq() { return exp_avg_sq_.data(); }
  float* ema() { return ema_.empty() ? nullptr : ema_.data(); }  // null without EMA or blocks

  bool has_ema() const { return has_ema_; }  // also where this worker owns no block

  // As new: moments are zero.
  void Reset();

  // EMA starts as the weights.
  void StartEma(const float* weights);

  // Bytes of moments and EMA, without the padding between blocks.
  int64_t bytes() const;

  // The sum of squares of each owned block of the flat `gradients`.
  std::vector<double> Squares(const float* gradients) const;

  // One AdamW step of the owned parts of `weights` from the flat `gradients`; weight_decay by grid tensor. Then the EMA, with its decay.
  void Update(const update::AdamWStep& step, const std::vector<double>& weight_decay, double ema_decay, const plan::Grid& grid,
              const float* gradients, float* weights);

  // Digests of each owned block: of both moments and the EMA, in this order.
  std::vector<uint64_t> Digests() const;

 private:
  const bool has_ema_;
  std::vector<OwnedBlock> blocks_;
  std::vector<float> exp_avg_, exp_avg_sq_, ema_;
};

}  // namespace deit::train
