// Everything of a job that lives in one worker's memory, made in one go: grid, weights and slots, moments, running statistics.
#pragma once

#include <memory>

#include "proto/spec.pb.h"
#include "worker/train/engine.h"
#include "worker/train/job_state.h"

namespace deit::train {

// 1 MiB of fp32: small enough to overlap, large enough that a message's cost does not count.
inline constexpr int64_t kBucketElements = 1 << 18;

class Workspace {
 public:
  // Collective over `world`. Binds `engine`. Weights are zero until FillWeights. evaluation_images: of the validation part, 0 if it is never
  // evaluated. Errors as Team::Form.
  static StatusOr<std::unique_ptr<Workspace>> Form(collective::Communicator& world, const v1::JobSpec& spec, int64_t evaluation_images,
                                                   Engine& engine, int64_t bucket_elements = kBucketElements);

  const JobState& state() const { return state_; }
  exchange::Team& team() const { return *team_; }

 private:
  Workspace(const v1::JobSpec& spec, const Engine& engine, int64_t bucket_elements);

  const plan::Grid grid_;
  BufferState buffers_;
  const std::unique_ptr<update::Optimizer> optimizer_;
  std::unique_ptr<exchange::Team> team_;
  std::unique_ptr<OwnedState> owned_;
  JobState state_{};
};

}  // namespace deit::train
