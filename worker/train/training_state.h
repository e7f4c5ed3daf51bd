// Training state of one worker: grid, weights and slots, moments, running statistics.
#pragma once

#include <memory>

#include "proto/spec.pb.h"
#include "worker/state/job_state.h"
#include "worker/train/engine.h"

namespace deit::train {

// 1 MiB of fp32: small enough to overlap, large enough that a message's cost does not count.
inline constexpr int64_t kBucketElements = 1 << 18;

enum class Purpose {
  kTraining,
  kEvaluation,  // weights and statistics alone: no gradients, no moments, no averages, and any number of workers
};

class TrainingState {
 public:
  // Collective over `world`. Binds `engine`. Weights are zero until FillWeights. evaluation_images: of the validation part, 0 if it is never
  // evaluated. Errors as WorkerGroup::Create.
  static StatusOr<std::unique_ptr<TrainingState>> Form(collective::Communicator& world, const v1::JobSpec& spec, int64_t evaluation_images,
                                                       Engine& engine, int64_t bucket_elements = kBucketElements,
                                                       Purpose purpose = Purpose::kTraining);

  const state::JobState& state() const { return state_; }
  exchange::WorkerGroup& worker_group() const { return *worker_group_; }

 private:
  TrainingState(const v1::JobSpec& spec, const Engine& engine, int64_t bucket_elements, Purpose purpose);

  const plan::Grid grid_;
  state::BufferState buffers_;
  const std::unique_ptr<update::Optimizer> optimizer_;
  std::unique_ptr<exchange::WorkerGroup> worker_group_;
  std::unique_ptr<state::OwnedState> owned_;
  state::JobState state_{};
};

}  // namespace deit::train
