#include "worker/update/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "proto/spec.pb.h"
#include "tests/support/keyed_values.h"
#include "worker/update/block_math.h"

namespace deit::update {
namespace {

constexpr double kRate = 0.01, kDecay = 0.05, kLanes = 8;
constexpr int kSteps = 4;

v1::OptimizerSpec SpecOf(const std::string& opt) {
  v1::OptimizerSpec spec;
  spec.set_opt(opt);
  return spec;
}

std::vector<float> Keyed(const std::string& name, size_t count, double scale = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(scale * KeyedValue(KeyOf(name), i));
  return values;
}

struct Tensor {
  std::string name;
  double weight_decay;
  std::vector<float> weights;
  std::vector<float> averages = weights;
  std::vector<std::vector<float>> state = {};
};

// One step of each tensor, whose gradients are the sum of kLanes equal ones, as the trainer takes it; a tensor is cut into two ranges.
void Step(const Optimizer& optimizer, int step, double clip_grad, std::vector<Tensor>* tensors) {
  std::vector<std::vector<float>> gradients;
  double squares = 0;
  for (const Tensor& tensor : *tensors) {
    gradients.push_back(Keyed(tensor.name + " gradient " + std::to_string(step), tensor.weights.size(), 3));
    squares += SumOfSquares(gradients.back().data(), static_cast<int64_t>(gradients.back().size()));
    for (float& g : gradients.back()) g *= static_cast<float>(kLanes);
  }
  const double clip = clip_grad > 0 ? std::min(1.0, clip_grad / (std::sqrt(squares) + 1e-6)) : 1.0;
  const UpdateStep scalars{kRate * (step + 1), step + 1, clip / kLanes};
  for (size_t t = 0; t < tensors->size(); ++t) {
    Tensor& tensor = (*tensors)[t];
    const int64_t count = static_cast<int64_t>(tensor.weights.size());
    for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 3}, {3, count}}) {
      std::vector<float*> state;
      for (std::vector<float>& values : tensor.state) state.push_back(values.data() + begin);
      optimizer.Update(scalars,
                       {tensor.weight_decay, gradients[t].data() + begin, tensor.weights.data() + begin, state.data(), end - begin});
    }
    if (!optimizer.by_tensor()) continue;
    const double rate =
        optimizer.TensorRate(tensor.weight_decay, SumOfSquares(tensor.weights.data(), count), SumOfSquares(gradients[t].data(), count));
    ApplyDirection(scalars.learning_rate * rate, gradients[t].data(), tensor.weights.data(), count);
  }
}

void ExpectNext(const std::vector<float>& values, std::istream& file, const std::string& name) {
  for (const float value : values) {
    double expected = 0;
    ASSERT_TRUE(file >> expected);
    EXPECT_NEAR(value, expected, 1e-6) << name;
  }
}

// tests/parity/optimizers.py wrote what torch.optim and timm.optim make of the same.
TEST(OptimizerTest, FollowsPyTorchsAndTimms) {
  std::ifstream file(std::string(DEIT_GOLDEN_DIR) + "/optimizers.txt");
  int cases = 0;
  std::string opt;
  double clip_grad = 0, ema_decay = 0;
  for (int starts_at_zero = 0; file >> opt >> starts_at_zero >> clip_grad >> ema_decay; ++cases) {
    SCOPED_TRACE(opt + (starts_at_zero ? " from zero" : "") + " clipped to " + std::to_string(clip_grad));
    const auto optimizer = NewOptimizer(SpecOf(opt));
    std::vector<Tensor> tensors = {{"matrix", kDecay, Keyed("matrix", 12)}, {"bias", 0, Keyed("bias", 5)}};
    if (starts_at_zero) std::fill(tensors[0].weights.begin(), tensors[0].weights.end(), 0.0f);
    for (Tensor& tensor : tensors) tensor.state.resize(optimizer->state_names().size(), std::vector<float>(tensor.weights.size()));
    for (int step = 0; step < kSteps; ++step) {
      Step(*optimizer, step, opt == "lamb" ? 1 : clip_grad, &tensors);
      for (Tensor& tensor : tensors) {
        Ema(ema_decay, tensor.weights.data(), tensor.averages.data(), static_cast<int64_t>(tensor.weights.size()));
      }
    }
    for (const auto& values : {&Tensor::weights, &Tensor::averages}) {
      if (values == &Tensor::averages && ema_decay == 0) continue;
      for (const Tensor& tensor : tensors) ExpectNext(tensor.*values, file, tensor.name);
    }
  }
  EXPECT_EQ(cases, 11);
}

TEST(OptimizerTest, StateHasPyTorchsNames) {
  EXPECT_EQ(NewOptimizer(SpecOf("adamw"))->state_names(), (std::vector<std::string>{"exp_avg", "exp_avg_sq"}));
  EXPECT_EQ(NewOptimizer(SpecOf("lamb"))->state_names(), (std::vector<std::string>{"exp_avg", "exp_avg_sq"}));
  EXPECT_EQ(NewOptimizer(SpecOf("sgd"))->state_names(), std::vector<std::string>{"momentum_buffer"});
  EXPECT_EQ(NewOptimizer(SpecOf("momentum"))->state_names(), std::vector<std::string>{"momentum_buffer"});
}

TEST(OptimizerTest, LambMovesATensorByItsNorms) {
  const auto lamb = NewOptimizer(SpecOf("lamb"));
  EXPECT_DOUBLE_EQ(lamb->TensorRate(kDecay, 9, 4), 1.5);
  EXPECT_EQ(lamb->TensorRate(kDecay, 0, 4), 1) << "a tensor that is still zero";
  EXPECT_EQ(lamb->TensorRate(kDecay, 9, 0), 1);
  EXPECT_EQ(lamb->TensorRate(0, 9, 4), 1) << "what does not decay is not scaled either";
  EXPECT_FALSE(NewOptimizer(SpecOf("adamw"))->by_tensor());
}

}  // namespace
}  // namespace deit::update
