#include "worker/update/optimizer.h"

#include <cmath>

#include "common/base/status.h"
#include "proto/spec.pb.h"
#include "worker/update/block_math.h"

namespace deit::update {
namespace {

class AdamWOptimizer : public Optimizer {
 public:
  explicit AdamWOptimizer(const v1::OptimizerSpec& spec) : beta1_(spec.beta1()), beta2_(spec.beta2()), eps_(spec.eps()) {}

  std::vector<std::string> state_names() const override { return {"exp_avg", "exp_avg_sq"}; }

  void Update(const UpdateStep& step, const UpdateRange& range) const override {
    AdamW(AdamStepOf(step), range.weight_decay, range.gradient, range.weights, range.state[0], range.state[1], range.count);
  }

 protected:
  AdamStep AdamStepOf(const UpdateStep& step) const { return {step.learning_rate, beta1_, beta2_, eps_, step.count, step.gradient_scale}; }

 private:
  const double beta1_, beta2_, eps_;
};

class LambOptimizer final : public AdamWOptimizer {
 public:
  using AdamWOptimizer::AdamWOptimizer;

  void Update(const UpdateStep& step, const UpdateRange& range) const override {
    LambDirection(AdamStepOf(step), range.weight_decay, range.weights, range.gradient, range.state[0], range.state[1], range.count);
  }

  bool by_tensor() const override { return true; }

  double TensorRate(double weight_decay, double weight_squares, double direction_squares) const override {
    if (weight_decay == 0 || weight_squares == 0 || direction_squares == 0) return 1;
    return std::sqrt(weight_squares) / std::sqrt(direction_squares);
  }
};

class SgdOptimizer final : public Optimizer {
 public:
  SgdOptimizer(const v1::OptimizerSpec& spec, bool nesterov) : momentum_(spec.momentum()), nesterov_(nesterov) {}

  std::vector<std::string> state_names() const override { return {"momentum_buffer"}; }

  void Update(const UpdateStep& step, const UpdateRange& range) const override {
    Sgd({step.learning_rate, momentum_, step.gradient_scale, nesterov_}, range.weight_decay, range.gradient, range.weights, range.state[0],
        range.count);
  }

 private:
  const double momentum_;
  const bool nesterov_;
};

}  // namespace

double Optimizer::TensorRate(double, double, double) const { return 1; }

std::unique_ptr<Optimizer> NewOptimizer(const v1::OptimizerSpec& spec) {
  if (spec.opt() == "lamb") return std::make_unique<LambOptimizer>(spec);
  if (spec.opt() == "sgd") return std::make_unique<SgdOptimizer>(spec, true);
  if (spec.opt() == "momentum") return std::make_unique<SgdOptimizer>(spec, false);
  DEIT_CHECK(spec.opt() == "adamw", "opt=", spec.opt());
  return std::make_unique<AdamWOptimizer>(spec);
}

}  // namespace deit::update
