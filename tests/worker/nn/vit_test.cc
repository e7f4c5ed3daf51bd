#include "worker/nn/vit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/models/model_catalog.h"
#include "proto/spec.pb.h"
#include "tests/worker/nn/reference_transformer.h"
#include "tests/worker/nn/torch_support.h"
#include "worker/nn/model.h"

namespace deit::nn {
namespace {

constexpr models::TransformerSizes kSmall = {.classes = 10,
                                             .image = 32,
                                             .channels = 3,
                                             .patch = 8,
                                             .width = 48,
                                             .depth = 3,
                                             .heads = 3,
                                             .hidden = 100,
                                             .drop_path = 0,
                                             .pos_drop = 0,
                                             .proj_drop = 0,
                                             .distilled = true};

models::TransformerSizes Plain(models::TransformerSizes sizes) {
  sizes.distilled = false;
  return sizes;
}

models::TransformerSizes WithDropPath(models::TransformerSizes sizes) {
  sizes.drop_path = 0.6;
  return sizes;
}

models::TransformerSizes WithDropout(models::TransformerSizes sizes) {
  sizes.pos_drop = 0.1;
  sizes.proj_drop = 0.3;
  return sizes;
}

bool IsNoisy(const models::TransformerSizes& sizes) { return sizes.drop_path > 0 || sizes.pos_drop > 0 || sizes.proj_drop > 0; }

// Initial values with everything that starts constant moved, so that no gradient is trivial.
std::vector<at::Tensor> Values(const Model& model) {
  std::vector<at::Tensor> values = InitialValues(model, 3);
  for (size_t i = 0; i < values.size(); ++i) {
    const bool matrix = values[i].dim() == 2;
    values[i] = values[i] * (matrix ? 5.0 : 1.0) + 0.1 * Wave(values[i].sizes(), 0.7 + 0.01 * static_cast<double>(i));
  }
  return values;
}

at::Tensor LossOf(const std::vector<at::Tensor>& logits) {
  at::Tensor loss = at::zeros({}, logits[0].options());
  for (size_t head = 0; head < logits.size(); ++head) {
    loss = loss + (logits[head] * Wave(logits[head].sizes(), 1.1 + static_cast<double>(head)).to(logits[head].scalar_type())).sum();
  }
  return loss;
}

struct Gradients {
  std::vector<at::Tensor> logits;
  std::vector<at::Tensor> of;  // fp64, by tensor
  std::vector<int> order;
};

Gradients Ours(const models::TransformerSizes& sizes, at::ScalarType compute, const at::Tensor& images,
               const std::vector<uint64_t>& positions) {
  const std::unique_ptr<Model> model = NewTransformer(sizes, compute);
  RecordingSink sink;
  const Outputs outputs = model->Forward(Rounded(*model, Values(*model), compute), {}, images,
                                         {.training = true, .seed = 9, .positions = positions.data(), .sink = &sink});
  Gradients result;
  result.logits = {outputs.head};
  if (sizes.distilled) result.logits.push_back(outputs.head_dist);
  LossOf(result.logits).backward();
  for (const auto& [tensor, gradient] : sink.gradients) result.of.push_back(gradient);
  result.order = sink.order;
  return result;
}

Gradients References(const models::TransformerSizes& sizes, at::ScalarType type, bool autocast, const at::Tensor& images,
                     const std::vector<uint64_t>& positions) {
  ReferenceTransformer reference{.sizes = sizes, .leaves = {}, .autocast = autocast, .seed = 9, .positions = positions};
  for (const at::Tensor& value : Values(*NewTransformer(sizes, at::kFloat))) {
    reference.leaves.push_back(value.to(type, false, true).set_requires_grad(true));
  }
  Gradients result;
  for (const at::Tensor& logits : reference.Forward(images.to(type))) result.logits.push_back(logits.to(type));
  LossOf(result.logits).backward();
  for (const at::Tensor& leaf : reference.leaves) result.of.push_back(leaf.grad().to(at::kDouble));
  return result;
}

std::vector<uint64_t> Positions(int64_t images) {
  std::vector<uint64_t> positions(static_cast<size_t>(images));
  std::iota(positions.begin(), positions.end(), 1000);
  return positions;
}

class TransformerTest : public testing::Test {
 protected:
  void SetUp() override { UseOneThread(); }
};

void ExpectExactGradients(const models::TransformerSizes& sizes) {
  const at::Tensor images = Wave({5, 3, 32, 32}, 0.37);
  const std::vector<uint64_t> positions = IsNoisy(sizes) ? Positions(5) : std::vector<uint64_t>();
  const Gradients ours = Ours(sizes, at::kFloat, images, positions);
  const Gradients exact = References(sizes, at::kDouble, false, images, positions);
  const Gradients plain = References(sizes, at::kFloat, false, images, positions);
  const std::vector<models::TensorSpec> tensors = models::ListTensors(sizes).tensors;
  ASSERT_EQ(ours.logits.size(), exact.logits.size());
  for (size_t head = 0; head < exact.logits.size(); ++head) EXPECT_LT(RelativeError(ours.logits[head], exact.logits[head]), 1e-5);
  ASSERT_EQ(ours.of.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {  // badly conditioned tensors are hard for autograd in fp32 too
    EXPECT_LT(RelativeError(ours.of[i], exact.of[i]), std::max(1e-5, 5 * RelativeError(plain.of[i], exact.of[i]))) << tensors[i].name;
  }
}

TEST_F(TransformerTest, Fp32GradientsEqualAutogradsInFp64) { ExpectExactGradients(kSmall); }

TEST_F(TransformerTest, Fp32GradientsAreExactWithoutADistillationToken) { ExpectExactGradients(Plain(kSmall)); }

TEST_F(TransformerTest, Fp32GradientsAreExactUnderDropPath) { ExpectExactGradients(WithDropPath(kSmall)); }

// The reference's last block has masks for all tokens, ours for those that reach a head: they must be the same where both are.
TEST_F(TransformerTest, Fp32GradientsAreExactUnderDropout) {
  ExpectExactGradients(WithDropout(kSmall));
  ExpectExactGradients(WithDropout(WithDropPath(kSmall)));
}

TEST_F(TransformerTest, EvaluationDropsNothing) {
  const std::unique_ptr<Model> plain = NewTransformer(kSmall, at::kFloat), dropping = NewTransformer(WithDropout(kSmall), at::kFloat);
  const at::NoGradGuard no_gradients;
  const at::Tensor images = Wave({2, 3, 32, 32}, 0.37);
  EXPECT_TRUE(at::equal(plain->Forward(Values(*plain), {}, images, {}).head, dropping->Forward(Values(*plain), {}, images, {}).head));
}

TEST_F(TransformerTest, Fp32GradientsAreExactAtDepthOne) {
  models::TransformerSizes sizes = kSmall;
  sizes.depth = 1;
  ExpectExactGradients(sizes);
}

// The bound that a half-precision residual stream or LayerNorm fails.
// Of each tensor within `times` autocast's, of all together within 1.2 times.
void ExpectErrorsOfAutocast(const models::TransformerSizes& sizes, double times) {
  const at::Tensor images = Wave({6, 3, 32, 32}, 0.37);
  const std::vector<uint64_t> positions = IsNoisy(sizes) ? Positions(6) : std::vector<uint64_t>();
  const Gradients exact = References(sizes, at::kDouble, false, images, positions);
  const Gradients ours = Ours(sizes, at::kBFloat16, images, positions);
  const Gradients autocast = References(sizes, at::kFloat, true, images, positions);
  const std::vector<models::TensorSpec> tensors = models::ListTensors(sizes).tensors;
  double sum_ours = 0;
  double sum_autocast = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const double error = RelativeError(ours.of[i], exact.of[i]);
    const double bound = RelativeError(autocast.of[i], exact.of[i]);
    EXPECT_LT(error, times * bound) << tensors[i].name;
    EXPECT_GT(bound, 1e-4) << tensors[i].name << ": the comparison is void";
    sum_ours += error;
    sum_autocast += bound;
  }
  EXPECT_LT(sum_ours, 1.2 * sum_autocast);
}

TEST_F(TransformerTest, Bf16GradientErrorsAreWithinTwiceAutocasts) { ExpectErrorsOfAutocast(kSmall, 2); }

TEST_F(TransformerTest, Bf16GradientErrorsAreThoseOfAutocastUnderDropout) { ExpectErrorsOfAutocast(WithDropout(kSmall), 3); }

TEST_F(TransformerTest, GivesEachGradientOnceInAFixedOrder) {
  const Gradients first = Ours(kSmall, at::kFloat, Wave({2, 3, 32, 32}, 0.37), {});
  const Gradients second = Ours(kSmall, at::kBFloat16, Wave({3, 3, 32, 32}, 0.2), {});
  EXPECT_EQ(first.order, second.order);
  std::vector<int> all(models::ListTensors(kSmall).tensors.size());
  std::iota(all.begin(), all.end(), 0);
  EXPECT_THAT(first.order, testing::UnorderedElementsAreArray(all));
  const models::TransformerTensors list = models::ListTensors(kSmall);
  EXPECT_EQ(first.order.front(), list.heads[0]);
  EXPECT_EQ(first.order.back(), list.patch_bias);
}

TEST_F(TransformerTest, RepeatsBitByBitOnTheSameModel) {
  const std::unique_ptr<Model> model = NewTransformer(WithDropPath(kSmall), at::kBFloat16);
  const std::vector<at::Tensor> values = Rounded(*model, Values(*model), at::kBFloat16);
  const std::vector<uint64_t> positions = Positions(4);
  const auto gradients = [&](const at::Tensor& images) {
    RecordingSink sink;
    const Outputs outputs = model->Forward(values, {}, images, {.training = true, .seed = 9, .positions = positions.data(), .sink = &sink});
    LossOf({outputs.head, outputs.head_dist}).backward();
    return sink.gradients;
  };
  const at::Tensor images = Wave({4, 3, 32, 32}, 0.37);
  const auto first = gradients(images);
  gradients(Wave({4, 3, 32, 32}, 0.11));
  {
    const at::NoGradGuard no_gradients;
    model->Forward(values, {}, Wave({9, 3, 32, 32}, 0.19), {});
  }
  const auto again = gradients(images);
  for (const auto& [tensor, gradient] : first) EXPECT_TRUE(at::equal(gradient, again.at(tensor))) << tensor;
}

TEST_F(TransformerTest, TwoThreadsRepeatBitByBitAndAgreeWithOne) {
  const at::Tensor images = Wave({5, 3, 32, 32}, 0.37);
  const Gradients one = Ours(kSmall, at::kFloat, images, {});
  at::set_num_threads(2);
  const Gradients first = Ours(kSmall, at::kFloat, images, {});
  const Gradients second = Ours(kSmall, at::kFloat, images, {});
  at::set_num_threads(1);
  for (size_t i = 0; i < one.of.size(); ++i) {
    EXPECT_TRUE(at::equal(first.of[i], second.of[i])) << i;
    EXPECT_LT(RelativeError(first.of[i], one.of[i]), 1e-4) << i;
  }
}

TEST_F(TransformerTest, DropPathMaskBelongsToThePosition) {
  const models::TransformerSizes sizes = WithDropPath(kSmall);
  const std::unique_ptr<Model> model = NewTransformer(sizes, at::kFloat);
  const std::vector<at::Tensor> values = Values(*model);
  const at::Tensor images = Wave({6, 3, 32, 32}, 0.37);
  const std::vector<uint64_t> positions = {40, 2, 77, 3, 9, 10};
  RecordingSink sink;
  const auto logits = [&](const at::Tensor& some, const uint64_t* at, uint64_t seed) {
    return model->Forward(values, {}, some, {.training = true, .seed = seed, .positions = at, .sink = &sink}).head.detach();
  };
  const at::Tensor whole = logits(images, positions.data(), 9);
  const at::Tensor part = logits(images.narrow(0, 2, 3).contiguous(), positions.data() + 2, 9);
  EXPECT_LT(RelativeError(part, whole.narrow(0, 2, 3)), 1e-6);
  EXPECT_GT(RelativeError(logits(images, positions.data(), 10), whole), 1e-3);
}

TEST(BranchScaleTest, KeepsWithItsProbabilityAndIsIndependentPerBranch) {
  int kept = 0;
  int equal = 0;
  for (uint64_t position = 0; position < 20000; ++position) {
    const float attention = BranchScale(1, position, 3, 0, 0.25);
    const float mlp = BranchScale(1, position, 3, 1, 0.25);
    EXPECT_TRUE(attention == 0 || attention == static_cast<float>(1 / 0.75));
    kept += attention > 0 ? 1 : 0;
    equal += attention == mlp ? 1 : 0;
  }
  EXPECT_NEAR(kept / 20000.0, 0.75, 0.015);
  EXPECT_NEAR(equal / 20000.0, 0.75 * 0.75 + 0.25 * 0.25, 0.015);
  EXPECT_EQ(BranchScale(1, 5, 0, 0, 0), 1.0F);
}

TEST_F(TransformerTest, EvaluationEqualsTrainingWithoutDropPathWhateverTheBatch) {
  const std::unique_ptr<Model> model = NewTransformer(WithDropPath(kSmall), at::kFloat);
  const std::vector<at::Tensor> values = Values(*model);
  const at::Tensor images = Wave({40, 3, 32, 32}, 0.37);
  RecordingSink sink;
  const std::unique_ptr<Model> plain = NewTransformer(kSmall, at::kFloat);
  const Outputs trained = plain->Forward(values, {}, images, {.training = true, .sink = &sink});
  const at::NoGradGuard no_gradients;
  const Outputs outputs = model->Forward(values, {}, images, {});
  EXPECT_FALSE(outputs.head.requires_grad());
  EXPECT_LT(RelativeError(outputs.head, trained.head), 1e-6);
  EXPECT_LT(RelativeError(outputs.head_dist, trained.head_dist), 1e-6);
  EXPECT_TRUE(at::equal(FusedLogits(outputs), (outputs.head + outputs.head_dist) * 0.5));
}

TEST_F(TransformerTest, ShowsTheTokensOfEachLayerOfAllImages) {
  for (const models::TransformerSizes& sizes : {kSmall, Plain(kSmall)}) {
    const std::unique_ptr<Model> model = NewTransformer(sizes, at::kFloat);
    ASSERT_EQ(model->token_layers(), sizes.depth + 1);
    const std::vector<at::Tensor> values = Values(*model);
    const at::Tensor images = Wave({40, 3, 32, 32}, 0.37);  // more than go through at a time
    std::vector<at::Tensor> expected;
    std::vector<std::vector<at::Tensor>> shown(static_cast<size_t>(sizes.depth) + 1);
    const at::NoGradGuard no_gradients;
    ReferenceTransformer{.sizes = sizes, .leaves = values, .positions = {}, .seen = &expected}.Forward(images);
    model->Forward(values, {}, images, {.observe = [&](int64_t layer, const at::Tensor& tokens) {
                     shown[static_cast<size_t>(layer)].push_back(tokens.clone());
                   }});
    for (size_t layer = 0; layer < shown.size(); ++layer) {
      const at::Tensor tokens = at::cat(shown[layer]);
      ASSERT_EQ(tokens.sizes(), (std::vector<int64_t>{40, sizes.prefix(), sizes.width})) << layer;
      EXPECT_LT(RelativeError(tokens, expected[layer].narrow(1, 0, sizes.prefix())), 1e-5) << layer;
    }
  }
}

v1::ModelSpec TinyDistilled() {
  v1::ModelSpec spec;
  spec.set_name("deit_tiny_distilled_patch16_224");
  return spec;  // the schema's defaults are tiny's sizes
}

// deit-facts appendix G1, computed with timm in fp32.
TEST_F(TransformerTest, GivesTheGoldenLogitsOfDeitTinyDistilled) {
  StatusOr<std::unique_ptr<Model>> model = NewModel(TinyDistilled(), v1::FP32);
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<at::Tensor> values;
  for (const models::TensorSpec& spec : (*model)->tensors()) {
    const double length = static_cast<double>(spec.name.size());
    const bool norm_weight = spec.name.find("norm") != std::string::npos && spec.name.ends_with(".weight");
    at::Tensor value = at::empty(spec.shape, at::TensorOptions().dtype(at::kFloat));
    for (int64_t i = 0; i < spec.size(); ++i) {
      const double wave = 0.02 * std::sin(0.01 * static_cast<double>(i) + length);
      value.mutable_data_ptr<float>()[i] = static_cast<float>(wave + (norm_weight ? 1 : 0));
    }
    values.push_back(value);
  }
  const at::Tensor image = Wave({1, 3, 224, 224}, 0.001);
  RecordingSink sink;
  const Outputs trained = (*model)->Forward(values, {}, image, {.training = true, .sink = &sink});
  const auto expect = [](const at::Tensor& logits, const std::vector<double>& golden) {
    for (size_t i = 0; i < golden.size(); ++i) EXPECT_NEAR(logits[0][static_cast<int64_t>(i)].item<double>(), golden[i], 2e-6) << i;
  };
  expect(trained.head, {-0.106270, -0.0810625, 0.183375});
  expect(trained.head_dist, {0.105897, -0.109336, 0.0221723});
  const at::NoGradGuard no_gradients;
  const at::Tensor fused = FusedLogits((*model)->Forward(values, {}, image, {}));
  expect(fused, {-0.000186902, -0.0951991, 0.102774, 0.0620998, -0.108257, 0.0487711});
  EXPECT_NEAR(fused.sum().item<double>(), -2.29592, 2e-4);
  EXPECT_NEAR(fused.abs().max().item<double>(), 0.138108, 2e-6);
}

TEST(NewModelTest, MakesEachFamilyAtItsPublishedOrGivenSize) {
  const auto parameters = [](const std::string& name) {
    v1::ModelSpec spec;
    spec.set_name(name);
    const StatusOr<std::unique_ptr<Model>> model = NewModel(spec, v1::FP32);
    EXPECT_TRUE(model.ok()) << model.status();
    EXPECT_EQ(models::ParameterCount((*model)->tensors()), models::ParameterCount(*models::ResolveModel(spec))) << name;
    return models::ParameterCount((*model)->tensors());
  };
  EXPECT_EQ(parameters("deit_tiny_patch16_224"), 5717416);
  EXPECT_EQ(parameters("deit_small_distilled_patch16_224"), 22436432);
  EXPECT_EQ(parameters("deit_distilled"), parameters("deit_tiny_distilled_patch16_224"));
  EXPECT_EQ(parameters("vit"), parameters("deit"));
  EXPECT_GT(parameters("convnet"), 60000);
}

TEST(NewModelTest, RefusesWhatTheCatalogRefuses) {
  v1::ModelSpec spec = TinyDistilled();
  spec.set_img_size(225);
  EXPECT_EQ(NewModel(spec, v1::FP32).status(), models::ResolveModel(spec).status());
  spec.set_name("resnext");
  EXPECT_FALSE(NewModel(spec, v1::FP32).ok());
}

}  // namespace
}  // namespace deit::nn
