// Optimizers: the update from gradients to weights, on ranges of the flat buffers. One small class each, immutable and thread-safe; the
// state (moments) belongs to the caller. A new optimizer is one class and one line of NewOptimizer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace deit::v1 {
class OptimizerSpec;
}  // namespace deit::v1

namespace deit::update {

// What all ranges of one step share.
struct UpdateStep {
  double learning_rate;
  int64_t count;          // updates done including this one
  double gradient_scale;  // 1 / lanes, times the clipping factor
};

// A range of one tensor.
struct UpdateRange {
  double weight_decay;
  float* gradient;  // the sum over the lanes
  float* weights;
  float* const* state;  // one array for each name of state_names()
  int64_t count;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // What is kept for each parameter, from 0, under the names that PyTorch's optimizers give it.
  virtual std::vector<std::string> state_names() const = 0;

  // One step of a range: each element alike. Where by_tensor(), `gradient` becomes the direction and weights stay as they are, until
  // the norms of whole tensors are known; then the caller takes learning_rate * TensorRate() times the direction off (ApplyDirection).
  virtual void Update(const UpdateStep& step, const UpdateRange& range) const = 0;

  virtual bool by_tensor() const { return false; }

  // From the sums of squares of a tensor's weights and of its direction.
  virtual double TensorRate(double weight_decay, double weight_squares, double direction_squares) const;
};

// "adamw", "lamb", "sgd" or "momentum", as optimizer.opt. `spec` is resolved.
//   adamw     AdamW() of block_math.h
//   lamb      https://arxiv.org/abs/1904.00962 as timm's Lamb and apex's FusedLAMB (NVLAMB): the direction is Adam's with weight_decay * p
//             added; tensors that decay move at |p| / |direction| of the learning rate (1 where either is 0), others at all of it
//   sgd       torch.optim.SGD with Nesterov's momentum (timm's "sgd"): g += weight_decay * p; b = momentum * b + g; p -= lr * (g + momentum * b)
//   momentum  the same without Nesterov: p -= lr * b
std::unique_ptr<Optimizer> NewOptimizer(const v1::OptimizerSpec& spec);

}  // namespace deit::update
