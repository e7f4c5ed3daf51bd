// Runs optimizer steps across all workers: forward and backward of the lanes, reduction of all buckets, metadata all-gather, update of own
// shards, parameter all-gather. Torch-free: an Engine computes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/plan/ledger.h"
#include "common/plan/sampler.h"
#include "proto/spec.pb.h"
#include "worker/exchange/reducer.h"
#include "worker/state/job_state.h"
#include "worker/train/batch_source.h"
#include "worker/train/engine.h"
#include "worker/train/step_decision.h"
#include "worker/train/step_payload.h"

namespace deit::train {

// Where a worker's time goes, in seconds since the start.
struct StepTimes {
  double data = 0, communication = 0, optimizer = 0;  // teacher, forward and backward: Engine::times()
};

// How this worker wants the step in progress to end: asked between pieces of work, at most every 10 ms, and before each lane; quick.
using DesiredStepEnd = std::function<StepEnd()>;

struct StepResult {
  StepDecision decision;
  double learning_rate = 0;
};

// One per worker; not thread-safe.
class Trainer {
 public:
  // All references outlive it. updates_done: optimizer updates before the first step (skipped steps do not count).
  Trainer(const v1::JobSpec& spec, const plan::Sampler& sampler, const state::JobState& state, Engine& engine, int64_t updates_done);

  // Trains step `step`, whose micro-batches come next from `source`. All workers call it with equal steps. Errors: of the source, the
  // engine, and lost peers; a non-finite step under train.non_finite FAIL is not an error here (decision.finite). Where any worker wishes to
  // give the step up while it is not yet computed, all give it up (decision.given_up): the state and the ledger are those before it, and
  // this trainer trains no other.
  StatusOr<StepResult> Step(uint64_t step, BatchSource& source, const DesiredStepEnd& desired_end);

  int64_t updates_done() const { return updates_done_; }
  int64_t lanes_computed() const { return lanes_computed_; }
  int64_t bytes_sent() const {
    return reducer_->bytes_sent() + state_.worker_group->gather().bytes_sent() + state_.worker_group->parameter_all_gather().bytes_sent();
  }
  const StepTimes& times() const { return times_; }
  const plan::Ledger& ledger() const { return ledger_; }  // of the views that this worker trained on since its start

  // Largest payload of any worker's step.
  static size_t PayloadCapacity(const exchange::ExchangePlan& plan, const plan::Grid& grid, int64_t statistics);

 private:
  Status RunLanes(BatchSource& source, std::vector<LaneMetrics>* metrics);
  StatusOr<LaneMetrics> RunLane(BatchSource& source, const plan::LaneStep& lane, bool last);
  bool MustLeave();
  bool PieceDone();
  StatusOr<StepFacts> ExchangeFacts(std::vector<LaneMetrics> metrics, StepEnd end);
  void CombineStatistics(const std::vector<StepPayload>& payloads);
  Status Update(const StepDecision& decision, double learning_rate);
  StatusOr<std::vector<double>> TensorRates(double learning_rate, const float* directions);

  const v1::JobSpec& spec_;
  const plan::Sampler& sampler_;
  const state::JobState state_;
  Engine& engine_;
  std::unique_ptr<exchange::Reducer> reducer_;
  std::unique_ptr<LaneAccumulator> accumulator_;
  std::vector<StepPayloadShape> shapes_;  // by worker
  std::vector<size_t> sizes_;
  std::vector<double> weight_decay_;  // by grid tensor
  std::vector<float> statistics_;     // sum over all lanes
  plan::Ledger ledger_, step_ledger_;
  const DesiredStepEnd* desired_end_ = nullptr;  // of the step in progress
  bool left_ = false;                            // the step in progress, before it was computed
  absl::Duration next_look_;                     // at the wish
  StepTimes times_;
  int64_t updates_done_ = 0, lanes_computed_ = 0;
};

// parameter_of[i] for LaneAccumulator: model tensors to grid tensors; and the shapes of the grid's tensors, in order.
std::vector<int> ParameterIndex(const std::vector<models::TensorSpec>& tensors);
std::vector<plan::TensorShape> ParameterShapes(const std::vector<models::TensorSpec>& tensors);

}  // namespace deit::train
