#include "worker/models/convnet.h"

#include <cmath>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/models/torch_support.h"

namespace deit::models {
namespace {

const ConvNetSizes kSizes = {.classes = 10, .channels = 1, .widths = {16, 32, 64}};

std::vector<at::Tensor> Empty(const Model& model) {
  std::vector<at::Tensor> statistics;
  for (const TensorSpec& spec : model.tensors()) statistics.push_back(at::full(spec.shape, NAN, at::TensorOptions().dtype(at::kFloat)));
  return statistics;
}

size_t IndexOf(const Model& model, const std::string& name) {
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    if (model.tensors()[i].name == name) return i;
  }
  ADD_FAILURE() << name;
  return 0;
}

std::vector<at::Tensor> Leaves(const Model& model, at::ScalarType compute) {
  std::vector<at::Tensor> values = Rounded(model, InitialValues(model, 4), compute);
  for (size_t i = 0; i < values.size(); ++i) {
    if (model.tensors()[i].role == TensorRole::kParameter) values[i] = values[i].detach().set_requires_grad(true);
  }
  return values;
}

class ConvNetTest : public testing::Test {
 protected:
  void SetUp() override { UseOneThread(); }

  const std::unique_ptr<Model> model_ = NewConvNet(kSizes, at::kFloat);
  const at::Tensor images_ = Wave({6, 1, 28, 28}, 0.37);
};

TEST_F(ConvNetTest, ListsFiveConvolutionsAndAHead) {
  EXPECT_EQ(model_->tensors().size(), 5U * 6 + 2);
  EXPECT_EQ(model_->tensors()[0].name, "stages.0.0.conv.weight");
  EXPECT_EQ(model_->tensors()[5].name, "stages.0.0.bn.num_batches_tracked");
  EXPECT_EQ(model_->tensors()[5].shape.size(), 0U);
  EXPECT_EQ(model_->tensors().back().name, "head.fc.bias");
  EXPECT_EQ(ParameterCount(model_->tensors()), 9 * (16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 2 * (16 + 64 + 128) + 650);
}

TEST_F(ConvNetTest, WritesTheMicroBatchsMeanAndUnbiasedVariance) {
  const std::vector<at::Tensor> values = Leaves(*model_, at::kFloat);
  const std::vector<at::Tensor> statistics = Empty(*model_);
  model_->Forward(values, statistics, images_, {.training = true});
  const at::Tensor features = at::conv2d(images_, values[0].detach(), {}, 1, 1).transpose(0, 1).flatten(1);
  EXPECT_TRUE(at::allclose(statistics[3], features.mean(1), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(statistics[4], features.var(1, /*unbiased=*/true), 1e-4, 1e-7));
  EXPECT_TRUE(at::equal(values[3], at::zeros({16})));
  for (size_t i = 0; i < statistics.size(); ++i) {
    const TensorRole role = model_->tensors()[i].role;
    const bool written = role == TensorRole::kRunningMean || role == TensorRole::kRunningVar;
    EXPECT_EQ(at::isfinite(statistics[i]).all().item<bool>(), written) << model_->tensors()[i].name;
  }
}

TEST_F(ConvNetTest, EvaluationUsesRunningValues) {
  std::vector<at::Tensor> values = InitialValues(*model_, 4);
  const std::vector<at::Tensor> statistics = Empty(*model_);
  const at::NoGradGuard no_gradients;
  const at::Tensor training = model_->Forward(values, statistics, images_, {.training = true}).head;
  const double pixels[] = {6 * 28 * 28, 6 * 14 * 14, 6 * 14 * 14, 6 * 7 * 7, 6 * 7 * 7};
  for (size_t i = 0; i < values.size(); ++i) {
    const TensorRole role = model_->tensors()[i].role;
    const double count = pixels[std::min<size_t>(i / 6, 4)];
    if (role == TensorRole::kRunningMean) values[i] = statistics[i];
    if (role == TensorRole::kRunningVar) values[i] = statistics[i] * ((count - 1) / count);  // batch norm normalises by the biased one
  }
  EXPECT_TRUE(at::allclose(model_->Forward(values, {}, images_, {}).head, training, 1e-4, 1e-5));
  values[IndexOf(*model_, "stages.1.0.bn.running_mean")] += 1.0;
  EXPECT_FALSE(at::allclose(model_->Forward(values, {}, images_, {}).head, training, 1e-4, 1e-5));
}

TEST_F(ConvNetTest, GradientsReachEveryParameterAndMatchFiniteDifferences) {
  const std::vector<at::Tensor> values = Leaves(*model_, at::kFloat);
  const std::vector<at::Tensor> statistics = Empty(*model_);
  const at::Tensor weights = Wave({6, 10}, 1.3);
  const auto loss = [&] { return (model_->Forward(values, statistics, images_, {.training = true}).head * weights).sum(); };
  loss().backward();
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i].grad().defined(), model_->tensors()[i].role == TensorRole::kParameter) << model_->tensors()[i].name;
  }
  const at::NoGradGuard no_gradients;
  for (const char* name : {"stages.0.0.conv.weight", "stages.2.1.bn.weight", "head.fc.weight"}) {
    const at::Tensor& value = values[IndexOf(*model_, name)];
    const at::Tensor direction = Wave(value.sizes(), 0.9);
    value.add_(direction, 1e-3);
    const double above = loss().item<double>();
    value.add_(direction, -2e-3);
    const double below = loss().item<double>();
    value.add_(direction, 1e-3);
    const double expected = (value.grad() * direction).sum().item<double>();
    EXPECT_NEAR((above - below) / 2e-3, expected, 0.02 * std::abs(expected) + 0.01) << name;
  }
}

TEST_F(ConvNetTest, Bf16StaysCloseToFp32) {
  const std::unique_ptr<Model> half = NewConvNet(kSizes, at::kBFloat16);
  const at::Tensor weights = Wave({6, 10}, 1.3);
  const auto gradients = [&](const Model& model, at::ScalarType compute) {
    std::vector<at::Tensor> values = Leaves(model, compute);
    (model.Forward(values, Empty(model), images_, {.training = true}).head * weights).sum().backward();
    std::vector<at::Tensor> result;
    for (const at::Tensor& value : values) {
      if (value.grad().defined()) result.push_back(value.grad());
    }
    return result;
  };
  const std::vector<at::Tensor> exact = gradients(*model_, at::kFloat);
  const std::vector<at::Tensor> ours = gradients(*half, at::kBFloat16);
  ASSERT_EQ(exact.size(), ours.size());
  for (size_t i = 0; i < exact.size(); ++i) EXPECT_LT(RelativeError(ours[i], exact[i]), 0.1) << i;
  EXPECT_EQ(ours[0].scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace deit::models
