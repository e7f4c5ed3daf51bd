#include "worker/nn/network_model.h"

#include <cmath>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "common/models/activation_size.h"
#include "common/models/convnet.h"
#include "common/process/own_usage.h"
#include "proto/spec.pb.h"
#include "tests/worker/nn/torch_support.h"

namespace deit::nn {
namespace {

models::Network SmallNet() {
  v1::ModelSpec spec;
  spec.set_num_classes(10);
  spec.set_in_chans(1);
  spec.set_img_size(28);
  for (const int width : {16, 32, 64}) spec.add_widths(width);
  return models::Convnet(spec);
}

std::vector<at::Tensor> Empty(const Model& model) {
  std::vector<at::Tensor> statistics;
  for (const models::TensorSpec& spec : model.tensors())
    statistics.push_back(at::full(spec.shape, NAN, at::TensorOptions().dtype(at::kFloat)));
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
    if (model.tensors()[i].role == models::TensorRole::kParameter) values[i] = values[i].detach().set_requires_grad(true);
  }
  return values;
}

class NetworkModelTest : public testing::Test {
 protected:
  void SetUp() override { UseOneThread(); }

  const std::unique_ptr<Model> model_ = NewNetworkModel(SmallNet(), at::kFloat);
  const at::Tensor images_ = Wave({6, 1, 28, 28}, 1234.567);
};

TEST_F(NetworkModelTest, ListsFiveConvolutionsAndAHead) {
  EXPECT_EQ(model_->tensors().size(), 5U * 6 + 2);
  EXPECT_EQ(model_->tensors()[0].name, "stages.0.0.conv.weight");
  EXPECT_EQ(model_->tensors()[5].name, "stages.0.0.bn.num_batches_tracked");
  EXPECT_EQ(model_->tensors()[5].shape.size(), 0U);
  EXPECT_EQ(model_->tensors().back().name, "head.fc.bias");
  EXPECT_EQ(models::ParameterCount(model_->tensors()), 9 * (16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 2 * (16 + 64 + 128) + 650);
}

TEST_F(NetworkModelTest, WritesTheMicroBatchsMeanAndUnbiasedVariance) {
  const std::vector<at::Tensor> values = Leaves(*model_, at::kFloat);
  const std::vector<at::Tensor> statistics = Empty(*model_);
  model_->Forward(values, statistics, images_, {.training = true});
  const at::Tensor features = at::conv2d(images_, values[0].detach(), {}, 1, 1).transpose(0, 1).flatten(1);
  EXPECT_TRUE(at::allclose(statistics[3], features.mean(1), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(statistics[4], features.var(1, /*unbiased=*/true), 1e-4, 1e-7));
  EXPECT_TRUE(at::equal(values[3], at::zeros({16})));
  for (size_t i = 0; i < statistics.size(); ++i) {
    const models::TensorRole role = model_->tensors()[i].role;
    const bool written = role == models::TensorRole::kRunningMean || role == models::TensorRole::kRunningVar;
    EXPECT_EQ(at::isfinite(statistics[i]).all().item<bool>(), written) << model_->tensors()[i].name;
  }
}

TEST_F(NetworkModelTest, EvaluationUsesRunningValues) {
  std::vector<at::Tensor> values = InitialValues(*model_, 4);
  const std::vector<at::Tensor> statistics = Empty(*model_);
  const at::NoGradGuard no_gradients;
  const at::Tensor training = model_->Forward(values, statistics, images_, {.training = true}).head;
  const double pixels[] = {6 * 28 * 28, 6 * 14 * 14, 6 * 14 * 14, 6 * 7 * 7, 6 * 7 * 7};
  for (size_t i = 0; i < values.size(); ++i) {
    const models::TensorRole role = model_->tensors()[i].role;
    const double count = pixels[std::min<size_t>(i / 6, 4)];
    if (role == models::TensorRole::kRunningMean) values[i] = statistics[i];
    if (role == models::TensorRole::kRunningVar)
      values[i] = statistics[i] * ((count - 1) / count);  // batch norm normalises by the biased one
  }
  EXPECT_TRUE(at::allclose(model_->Forward(values, {}, images_, {}).head, training, 1e-4, 1e-5));
  values[IndexOf(*model_, "stages.1.0.bn.running_mean")] += 1.0;
  EXPECT_FALSE(at::allclose(model_->Forward(values, {}, images_, {}).head, training, 1e-4, 1e-5));
}

// The same network in ordinary operations, batch norm by its definition. `autocast`: convolutions and head in bf16.
at::Tensor Reference(const std::vector<at::Tensor>& leaves, const at::Tensor& images, bool autocast) {
  const auto operand = [autocast](const at::Tensor& x) { return autocast ? x.to(at::kBFloat16) : x; };
  const at::ScalarType type = leaves[0].scalar_type();
  at::Tensor x = images.to(type);
  size_t first = 0;
  for (const int64_t stride : {1, 2, 1, 2, 1}) {
    x = at::conv2d(operand(x), operand(leaves[first]), {}, stride, 1).to(type);
    const at::Tensor centred = x - x.mean({0, 2, 3}, true);
    const at::Tensor variance = centred.square().mean({0, 2, 3}, true);
    x = centred / (variance + 1e-5).sqrt() * leaves[first + 1].view({1, -1, 1, 1}) + leaves[first + 2].view({1, -1, 1, 1});
    x = x.relu();
    first += 6;
  }
  return at::linear(operand(x.mean({2, 3})), operand(leaves[first]), operand(leaves[first + 1])).to(type);
}

// Of every parameter, fp64.
template <typename Logits>
std::vector<at::Tensor> Gradients(const std::vector<at::Tensor>& leaves, const Logits& logits) {
  const at::Tensor head = logits(leaves);
  (head * Wave(head.sizes(), 1.3).to(head.scalar_type())).sum().backward();
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& leaf : leaves) gradients.push_back(leaf.grad().defined() ? leaf.grad().to(at::kDouble) : at::Tensor());
  return gradients;
}

std::vector<at::Tensor> ModelGradients(const Model& model, at::ScalarType compute, const at::Tensor& images) {
  return Gradients(Leaves(model, compute), [&](const std::vector<at::Tensor>& leaves) {
    return model.Forward(leaves, Empty(model), images, {.training = true}).head;
  });
}

std::vector<at::Tensor> ReferenceGradients(const Model& model, at::ScalarType type, bool autocast, const at::Tensor& images) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& value : InitialValues(model, 4)) leaves.push_back(value.to(type, false, true).set_requires_grad(true));
  return Gradients(leaves, [&](const std::vector<at::Tensor>& values) { return Reference(values, images, autocast); });
}

TEST_F(NetworkModelTest, EvaluationIsThatOfItsPasses) {
  const std::unique_ptr<Model> by_four = NewNetworkModel(SmallNet(), at::kFloat, 4);
  const std::vector<at::Tensor> values = InitialValues(*by_four, 4);
  const at::NoGradGuard no_gradients;
  const at::Tensor all = by_four->Forward(values, {}, images_, {}).head;
  EXPECT_EQ(by_four->images_per_pass(), 4);
  EXPECT_TRUE(at::equal(all.narrow(0, 0, 4), by_four->Forward(values, {}, images_.narrow(0, 0, 4), {}).head));
  EXPECT_TRUE(at::equal(all.narrow(0, 4, 2), by_four->Forward(values, {}, images_.narrow(0, 4, 2), {}).head));
}

TEST_F(NetworkModelTest, EvaluationTakesNoMoreMemoryForMoreImages) {
  v1::ModelSpec spec;
  spec.set_name("resnet18");
  const std::unique_ptr<Model> model = NewModel(spec, v1::FP32).value();
  const std::vector<at::Tensor> values = InitialValues(*model, 4);
  const at::Tensor images = at::zeros({4 * model->images_per_pass(), 3, 224, 224});
  const at::NoGradGuard no_gradients;
  const int64_t before = process::ResidentBytes();
  model->Forward(values, {}, images, {});
  EXPECT_LT(process::PeakResidentBytes() - before, models::kPassBytes * 7 / 4) << "four passes at once would take four times kPassBytes";
}

TEST_F(NetworkModelTest, GradientsReachEveryParameterAndEqualAutogradsInFp64) {
  const std::vector<at::Tensor> ours = ModelGradients(*model_, at::kFloat, images_);
  const std::vector<at::Tensor> exact = ReferenceGradients(*model_, at::kDouble, false, images_);
  for (size_t i = 0; i < ours.size(); ++i) {
    const models::TensorSpec& spec = model_->tensors()[i];
    ASSERT_EQ(ours[i].defined(), spec.role == models::TensorRole::kParameter) << spec.name;
    if (!ours[i].defined()) continue;
    EXPECT_LT(RelativeError(ours[i], exact[i]), 1e-4) << spec.name;
  }
}

TEST_F(NetworkModelTest, Bf16GradientErrorsAreWithinTwiceAutocasts) {
  const std::vector<at::Tensor> ours = ModelGradients(*NewNetworkModel(SmallNet(), at::kBFloat16), at::kBFloat16, images_);
  const std::vector<at::Tensor> exact = ReferenceGradients(*model_, at::kDouble, false, images_);
  const std::vector<at::Tensor> autocast = ReferenceGradients(*model_, at::kFloat, true, images_);
  for (size_t i = 0; i < ours.size(); ++i) {
    if (!ours[i].defined()) continue;
    EXPECT_LT(RelativeError(ours[i], exact[i]), 2 * RelativeError(autocast[i], exact[i])) << model_->tensors()[i].name;
  }
}

// deit-facts appendix, fill rule B.
std::vector<at::Tensor> GoldenValues(const Model& model) {
  std::vector<at::Tensor> values;
  for (const models::TensorSpec& spec : model.tensors()) {
    const auto h = [&](int64_t i) {
      const double x = std::sin(12.9898 * static_cast<double>(i) + 78.233 * static_cast<double>(spec.name.size())) * 43758.5453;
      return 2 * (x - std::floor(x)) - 1;
    };
    const bool statistic = spec.role != models::TensorRole::kParameter,
               norm_weight = spec.shape.size() == 1 && spec.name.ends_with(".weight");
    const double matrix = std::sqrt(3.0 * static_cast<double>(spec.shape.empty() ? 1 : spec.shape[0]) / static_cast<double>(spec.size()));
    at::Tensor value = at::empty(spec.shape, at::TensorOptions().dtype(at::kFloat));
    for (int64_t i = 0; i < spec.size(); ++i) {
      double v = spec.shape.size() > 1 ? matrix * h(i) : (norm_weight ? 1 : 0) + 0.02 * h(i);
      if (statistic) v = spec.role == models::TensorRole::kRunningVar ? 1 : 0;
      value.mutable_data_ptr<float>()[i] = static_cast<float>(v);
    }
    values.push_back(value);
  }
  return values;
}

struct Golden {
  const char* name;
  double logits[3];
  double sum;
  int64_t largest;
};

// deit-facts appendix G2, computed with timm in fp32.
TEST_F(NetworkModelTest, GivesTheGoldenLogitsOfPublishedModels) {
  constexpr Golden kGolden[] = {
      {"regnety_002", {-0.579306, -0.0175599, 0.0971379}, -13.0359, 598},
      {"regnety_004", {-0.381374, -0.154893, 0.320512}, 7.62094, 603},
      {"resnet50", {5.08420, -0.525451, -3.20024}, -214.533, 453},
      {"efficientnet_b0", {0.00764011, -0.00276505, -0.0149029}, 0.0117056, 333},
  };
  const at::NoGradGuard no_gradients;
  for (const Golden& golden : kGolden) {
    v1::ModelSpec spec;
    spec.set_name(golden.name);
    const StatusOr<std::unique_ptr<Model>> model = NewModel(spec, v1::FP32);
    ASSERT_TRUE(model.ok()) << model.status();
    const at::Tensor logits = (*model)->Forward(GoldenValues(**model), {}, Wave({1, 3, 224, 224}, 0.001), {}).head[0];
    const double largest = logits.abs().max().item<double>();
    for (int64_t i = 0; i < 3; ++i) EXPECT_NEAR(logits[i].item<double>(), golden.logits[i], 1e-5 * largest) << golden.name;
    EXPECT_NEAR(logits.sum().item<double>(), golden.sum, 1e-4 * largest + 1e-5 * std::abs(golden.sum)) << golden.name;
    EXPECT_EQ(logits.argmax().item<int64_t>(), golden.largest) << golden.name;
  }
}

}  // namespace
}  // namespace deit::nn
