// Model tensors as views of the flat buffers, and the path of their gradients back into them.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/nn/model.h"
#include "worker/train/engine.h"
#include "worker/train/lane_accumulator.h"

namespace deit::engine {

// Hands gradients to the accumulator of the running lane. One thread at a time.
class AccumulatorSink final : public nn::GradientSink {
 public:
  train::LaneAccumulator* accumulator = nullptr;  // set while a lane runs
  std::function<void()> gradient_done = nullptr;  // called after each; what it throws ends the backward pass
  void Accept(int tensor, const at::Tensor& gradient) override;
};

// The values of Model::Forward over `state`, without copying: parameters are views (of the compute copy where the tensor asks for it and there
// is one). Those without direct_gradient require gradients, which a post-accumulate hook gives to `sink` and takes away again, so that
// no gradient ever lives outside the slots. Running statistics are tensors of their own, to be filled by CopyBuffers. sink null: no gradients.
std::vector<at::Tensor> MakeLeaves(const std::vector<models::TensorSpec>& tensors, const train::StateView& state, AccumulatorSink* sink);

// The running statistics of `state` into `values`.
void CopyBuffers(const std::vector<models::TensorSpec>& tensors, const train::StateView& state, const std::vector<at::Tensor>& values);

}  // namespace deit::engine
