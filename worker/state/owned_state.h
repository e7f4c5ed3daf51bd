// Optimizer state of one worker: moments and EMA of the shards that it owns (ZeRO-1, https://arxiv.org/abs/1910.02054).
#pragma once

#include <cstdint>
#include <vector>

#include "common/checkpoint/checkpoint_layout.h"
#include "common/plan/grid.h"
#include "common/plan/shards.h"
#include "worker/update/for_each.h"
#include "worker/update/optimizer.h"

namespace deit::state {

// One block of an owned shard.
struct OwnedBlock {
  int block;       // of the grid
  int tensor;      // of the grid
  int64_t offset;  // in the flat buffers
  int64_t count;
  int64_t local;  // in each kind of state
};

// Not thread-safe. The optimizer's state starts at zero.
class OwnedState {
 public:
  // What `optimizer` keeps, in its order, then the EMA if there is one. Blocks are worked on by `for_each`.
  OwnedState(const plan::Grid& grid, const plan::Shards& shards, int worker, const update::Optimizer& optimizer, bool with_ema,
             update::ForEach for_each = update::OneAfterAnother);

  const std::vector<OwnedBlock>& blocks() const { return blocks_; }  // ascending
  const std::vector<checkpoint::TensorKind>& kinds() const { return kinds_; }
  float* values(checkpoint::TensorKind kind);  // null without blocks, or where that kind is not kept
  float* ema() { return values(checkpoint::TensorKind::kEma); }

  bool has_ema() const { return kinds_.back() == checkpoint::TensorKind::kEma; }  // also where this worker owns no block

  // As new.
  void Reset();

  // EMA starts as the weights.
  void StartEma(const float* weights);

  // Bytes of all state, without the padding between blocks.
  int64_t bytes() const;

  // The sum of squares of each owned block of a flat buffer.
  std::vector<double> Squares(const float* values) const;

  // One step of the optimizer on the owned shards of `weights` from the flat `gradients`; weight_decay by grid tensor. Then the EMA, with its
  // decay. Of an optimizer by tensor the owned shards of `gradients` become directions, and weights and EMA wait for ApplyDirection.
  void Update(const update::Optimizer& optimizer, const update::UpdateStep& step, const std::vector<double>& weight_decay, double ema_decay,
              float* gradients, float* weights);

  // weights -= rate * directions, rate by grid tensor. Then the EMA.
  void ApplyDirection(const std::vector<double>& rate, double ema_decay, const float* directions, float* weights);

  // The owned shards of `weights` and the EMA change places.
  void SwapEma(float* weights);

  // Digests of each owned block, one kind after another.
  std::vector<uint64_t> Digests() const;

 private:
  void ForEachBlock(const std::function<void(const OwnedBlock&)>& body) const;
  void Average(const OwnedBlock& block, double ema_decay, const float* weights);

  std::vector<OwnedBlock> blocks_;
  std::vector<checkpoint::TensorKind> kinds_;
  std::vector<std::vector<float>> values_;  // by kind
  update::ForEach for_each_;
};

}  // namespace deit::state
