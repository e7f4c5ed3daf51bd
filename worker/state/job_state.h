// Checkpointed state of a job, as one worker sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/models/tensor_spec.h"
#include "common/plan/grid.h"
#include "common/plan/ledger.h"
#include "worker/exchange/worker_group.h"
#include "worker/state/buffer_state.h"
#include "worker/state/owned_state.h"

namespace deit::state {

// Not owned.
struct JobState {
  const std::vector<models::TensorSpec>* tensors;  // of the model, in state-dict order
  const plan::Grid* grid;
  exchange::WorkerGroup* worker_group;
  OwnedState* owned;
  BufferState* buffers;
  const update::Optimizer* optimizer;
};

// What a set says about a job besides tensors.
struct JobProgress {
  uint64_t step = 0;                   // steps done
  int64_t updates = 0;                 // optimizer updates applied
  int64_t skipped_in_a_row = 0;        // steps, since the last update
  plan::Ledger ledger;                 // of all views that led here
  std::optional<double> val_acc1;      // percent, if evaluated at this step
  std::optional<double> val_acc1_ema;  // the same of the averaged weights
  double train_seconds = 0;
  int64_t views_replaced = 0;  // of all views that led here: showed another image than their own
};

// Fills this node's weights, tensor by tensor dealt to its workers; source(tensor of the model, out) gives its elements. Collective: when it
// returns, all weights of this node and their compute copy are there, and the EMA starts as them.
Status FillWeights(const JobState& state, const std::function<Status(size_t tensor, float* out)>& source);

// Weights (with their compute copy) and running statistics change places with their averages, on all workers: twice gives every bit back.
// Collective; needs an EMA; no other reader of the weights meanwhile. On error both are left unspecified.
Status SwapAverages(const JobState& state);

// The model's initial state: parameters by Philox from `seed`.
Status InitialiseWeights(const JobState& state, uint64_t seed);

}  // namespace deit::state
