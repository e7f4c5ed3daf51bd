// vit-pytorch's students; their equality with vit-pytorch is parity_test.cc's matter.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "common/models/model_catalog.h"
#include "proto/spec.pb.h"
#include "tests/worker/nn/torch_support.h"
#include "worker/nn/sequences.h"

namespace deit::nn {
namespace {

constexpr const char* kSizes = " num_classes: 10 img_size: 32 embed_dim: 24 depth: 2 num_heads: 3 head_dim: 16 ";
const std::vector<std::string>& Students() {
  static const auto* students = new std::vector<std::string>{
      "name: 'distillable_vit' patch_size: 8",
      "name: 'distillable_t2t_vit' t2t_kernels: [4, 3] t2t_strides: [4, 2]",
      "name: 'distillable_efficient_vit' patch_size: 8 transformer: PLAIN",
      "name: 'distillable_efficient_vit' patch_size: 8 transformer: NYSTROMFORMER num_landmarks: 6",
  };
  return *students;
}

v1::ModelSpec Parse(const std::string& text) {
  v1::ModelSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec)) << text;
  return spec;
}

std::unique_ptr<Model> Make(const std::string& text, v1::Precision precision = v1::FP32) {
  auto model = NewModel(Parse(text), precision);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *std::move(model) : nullptr;
}

std::string Distilling(const std::string& student) { return student + kSizes + "distillation_token: true"; }

std::vector<at::Tensor> Leaves(const Model& model, const std::vector<at::Tensor>& values, at::ScalarType compute) {
  std::vector<at::Tensor> leaves = Rounded(model, values, compute);
  for (at::Tensor& leaf : leaves) leaf = leaf.detach().set_requires_grad(true);
  return leaves;
}

class VitPytorchTest : public testing::Test {
 protected:
  void SetUp() override { UseOneThread(); }
};

at::Tensor Loss(const Outputs& outputs) {
  const at::Tensor labels = at::arange(outputs.head.size(0), at::TensorOptions().dtype(at::kLong));
  return at::cross_entropy_loss(outputs.head, labels) + at::cross_entropy_loss(outputs.head_dist, labels);
}

// Of every tensor, as one vector.
std::vector<at::Tensor> Gradients(const std::string& student, v1::Precision precision) {
  const std::unique_ptr<Model> model = Make(Distilling(student), precision);
  const std::vector<at::Tensor> leaves = Leaves(*model, InitialValues(*model, 4), precision == v1::BF16 ? at::kBFloat16 : at::kFloat);
  const std::vector<at::Tensor> none(leaves.size());
  Loss(model->Forward(leaves, none, Wave({4, 3, 32, 32}, 1234.567), {.training = true})).backward();
  std::vector<at::Tensor> gradients;
  for (size_t t = 0; t < leaves.size(); ++t) {
    EXPECT_TRUE(leaves[t].grad().defined()) << student << ": " << model->tensors()[t].name;
    gradients.push_back(leaves[t].grad().defined() ? leaves[t].grad().to(at::kFloat).flatten() : at::zeros({1}));
  }
  return gradients;
}

TEST_F(VitPytorchTest, EveryTensorHasAGradientWhichBf16ComesNearTo) {
  for (const std::string& student : Students()) {
    const std::vector<at::Tensor> exact = Gradients(student, v1::FP32), rounded = Gradients(student, v1::BF16);
    EXPECT_LT(RelativeError(at::cat(rounded), at::cat(exact)), 0.03) << student;
    for (size_t t = 0; t < exact.size(); ++t) EXPECT_TRUE(rounded[t].isfinite().all().item<bool>()) << student << " " << t;
  }
}

TEST_F(VitPytorchTest, EvaluationGoesWithoutTheDistillationTokenByTheClassHead) {
  const at::NoGradGuard no_gradients;
  const at::Tensor images = Wave({4, 3, 32, 32}, 1234.567);
  for (const std::string& student : Students()) {
    const std::unique_ptr<Model> with = Make(Distilling(student)), without = Make(student + kSizes);
    const std::vector<at::Tensor> values = InitialValues(*with, 4);
    std::vector<at::Tensor> own;
    for (size_t t = 0; t < values.size(); ++t) {
      if (!with->tensors()[t].name.starts_with("distill")) own.push_back(values[t]);
    }
    ASSERT_EQ(own.size(), without->tensors().size());
    const Outputs evaluated = with->Forward(values, {}, images, {});
    EXPECT_FALSE(evaluated.head_dist.defined());
    EXPECT_TRUE(at::equal(evaluated.head, without->Forward(own, {}, images, {}).head)) << student;
    const Outputs trained = with->Forward(values, std::vector<at::Tensor>(values.size()), images, {.training = true});
    EXPECT_EQ(trained.head_dist.sizes(), trained.head.sizes());
    EXPECT_FALSE(at::allclose(trained.head, evaluated.head)) << student << ": the others attend to the token";
  }
}

TEST_F(VitPytorchTest, EvaluatesManyImagesAsFew) {
  const at::NoGradGuard no_gradients;
  const std::unique_ptr<Model> model = Make(Students()[0] + kSizes);
  const std::vector<at::Tensor> values = InitialValues(*model, 4);
  const at::Tensor images = Wave({70, 3, 32, 32}, 1234.567), many = model->Forward(values, {}, images, {}).head;
  EXPECT_TRUE(at::allclose(many.narrow(0, 60, 10), model->Forward(values, {}, images.narrow(0, 60, 10), {}).head, 1e-4, 1e-5));
}

// Computed with vit-pytorch's DistillWrapper in fp32: student.* and the wrapper's own tensors filled by a rule of their names.
TEST_F(VitPytorchTest, GivesTheGoldenLossesOfDistillWrapper) {
  const std::unique_ptr<Model> model = Make(
      "name: 'distillable_vit' num_classes: 10 img_size: 64 patch_size: 32 embed_dim: 32 depth: 2 num_heads: 2 mlp_ratio: 2 "
      "distillation_token: true");
  std::vector<at::Tensor> values;
  for (const models::TensorSpec& spec : model->tensors()) {
    const size_t length = spec.name.size() + (spec.name.starts_with("distill") ? 0 : std::string("student.").size());
    const at::Tensor wave =
        0.02 * at::sin(0.01 * at::arange(spec.size(), at::TensorOptions().dtype(at::kDouble)) + static_cast<double>(length));
    const bool norm_weight = spec.shape.size() == 1 && spec.name.ends_with(".weight");
    values.push_back((wave + (norm_weight ? 1.0 : 0.0)).to(at::kFloat).reshape(spec.shape));
  }
  const std::vector<at::Tensor> none(values.size());
  const Outputs outputs = model->Forward(values, none, Wave({2, 3, 64, 64}, 0.001), {.training = true});
  const at::Tensor rising = 0.1 * at::arange(10, at::TensorOptions().dtype(at::kFloat)), teacher = at::stack({rising, 1 - rising});
  const at::Tensor labels = at::arange(1, 3, at::TensorOptions().dtype(at::kLong));
  const double base = at::cross_entropy_loss(outputs.head, labels).item<double>();
  const at::Tensor log_targets = at::log_softmax(teacher / 3, -1), log_student = at::log_softmax(outputs.head_dist / 3, -1);
  const double soft = 9 * (log_targets.exp() * (log_targets - log_student)).sum().item<double>() / 2;
  const double hard = at::cross_entropy_loss(outputs.head_dist, teacher.argmax(-1)).item<double>();
  EXPECT_NEAR((base + soft) / 2, 1.167942, 2e-6);
  EXPECT_NEAR((base + hard) / 2, 2.292946, 2e-6);
}

TEST(AttentionTest, ManyScoresAreComputedImageByImage) {
  UseOneThread();
  const at::Tensor qkv = Wave({3, 3000, 6}, 0.37);
  const at::Tensor together = Attention(qkv, 1);
  for (int64_t image = 0; image < 3; ++image) {
    EXPECT_TRUE(at::equal(together.narrow(0, image, 1), Attention(qkv.narrow(0, image, 1), 1))) << image;
  }
  EXPECT_EQ(together.sizes(), at::IntArrayRef({3, 3000, 2}));
}

}  // namespace
}  // namespace deit::nn
