#include "worker/distill/loss.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "common/models/model_catalog.h"
#include "tests/support/keyed_values.h"
#include "tests/worker/nn/torch_support.h"
#include "worker/distill/teacher.h"
#include "worker/nn/model.h"

namespace deit::distill {
namespace {

// deit-facts appendix G3.
class LossTest : public testing::Test {
 protected:
  void SetUp() override { nn::UseOneThread(); }

  static at::Tensor Rows(const std::vector<float>& values) { return at::tensor(values).view({2, 4}); }

  const at::Tensor head_ = Rows({1, 2, 3, 0, .5F, -1, 2, 0});
  const at::Tensor head_dist_ = Rows({0, 1, 2, -1, 1, 1, -2, .3F});
  const nn::Outputs both_{head_, head_dist_};
  const at::Tensor labels_ = at::tensor(std::vector<int64_t>{2, 0});
  const teacher::TeacherTargets teacher_{.images = 2, .classes = 4, .top1 = {0, 1}, .logits = {3, 2, 1, 0, 0, 4, 1, -1}};
};

TEST_F(LossTest, BaseIsCrossEntropyWithOrWithoutSmoothing) {
  const nn::Outputs single{head_, at::Tensor()};
  EXPECT_NEAR(MicroBatchLoss(single, labels_, {}, nullptr, {.smoothing = 0}).base, 1.141270, 2e-6);
  const LossResult smoothed = MicroBatchLoss(single, labels_, {}, nullptr, {.smoothing = 0.1});
  EXPECT_NEAR(smoothed.base, 1.222520, 2e-6);
  EXPECT_EQ(smoothed.total.item<double>(), smoothed.base);
  EXPECT_EQ(smoothed.distillation, 0);
}

TEST_F(LossTest, HardMatchesTheGoldenValues) {
  const LossResult result =
      MicroBatchLoss(both_, labels_, {}, &teacher_, {.type = DistillationType::kHard, .alpha = 0.5, .smoothing = 0.1});
  EXPECT_NEAR(result.distillation, 1.687430, 2e-6);
  EXPECT_NEAR(result.total.item<double>(), 1.454975, 2e-6);
}

TEST_F(LossTest, SoftDividesByTheNumberOfLogits) {
  EXPECT_NEAR(MicroBatchLoss(both_, labels_, {}, &teacher_, {.type = DistillationType::kSoft, .tau = 1}).distillation, 0.2351150, 2e-7);
  EXPECT_NEAR(MicroBatchLoss(both_, labels_, {}, &teacher_, {.type = DistillationType::kSoft, .tau = 3}).distillation, 0.3763627, 3e-7);
}

TEST_F(LossTest, SoftMayDivideByTheNumberOfImages) {
  const auto loss = [&](double tau) {
    const LossOptions options = {.type = DistillationType::kSoft, .tau = tau, .reduction = Reduction::kBatchMean};
    return MicroBatchLoss(both_, labels_, {}, &teacher_, options).distillation;
  };
  EXPECT_NEAR(loss(1), 0.9404600, 1e-6);
  EXPECT_NEAR(loss(3), 1.505451, 1e-6);
}

// deit-facts appendix G6; tests/parity/losses.py vit-pytorch printed the logits and the same losses.
TEST_F(LossTest, EqualsVitPytorchsWrapper) {
  const at::Tensor head = at::tensor(std::vector<float>{
      0.02656743F, 0.02663382F, 0.02568214F, 0.02379762F, 0.0211601F, 0.01802563F, 0.01470062F, 0.01151061F, 0.008767281F, 0.006736834F,
      0.02656744F, 0.02663383F, 0.02568215F, 0.02379763F, 0.0211601F, 0.01802564F, 0.01470062F, 0.0115106F,  0.008767275F, 0.006736826F});
  const at::Tensor head_dist =
      at::tensor(std::vector<float>{-0.01853817F, -0.02543681F, -0.03126284F, -0.03541115F, -0.03744676F, -0.03714908F, -0.03453428F,
                                    -0.02985362F, -0.02356796F, -0.016301F,   -0.01853834F, -0.02543679F, -0.03126264F, -0.03541075F,
                                    -0.03744623F, -0.03714848F, -0.03453366F, -0.02985304F, -0.02356749F, -0.01630067F});
  const nn::Outputs outputs{head.view({2, 10}), head_dist.view({2, 10})};
  teacher::TeacherTargets teacher{.images = 2, .classes = 10, .top1 = {9, 0}, .logits = {}};
  for (int row = 0; row < 2; ++row) {
    for (int k = 0; k < 10; ++k) teacher.logits.push_back(row == 0 ? 0.1F * static_cast<float>(k) : 1 - 0.1F * static_cast<float>(k));
  }
  const at::Tensor labels = at::tensor(std::vector<int64_t>{1, 2});
  LossOptions options = {.type = DistillationType::kSoft, .tau = 3, .smoothing = 0, .reduction = Reduction::kBatchMean};
  EXPECT_NEAR(MicroBatchLoss(outputs, labels, {}, &teacher, options).total.item<double>(), 1.167942, 1e-6);
  options.type = DistillationType::kHard;
  EXPECT_NEAR(MicroBatchLoss(outputs, labels, {}, &teacher, options).total.item<double>(), 2.292946, 1e-6);
}

TEST_F(LossTest, WithoutLabelsEachHeadLearnsFromTheTeacher) {
  for (const DistillationType type : {DistillationType::kHard, DistillationType::kSoft}) {
    const LossOptions options = {.type = type, .labels = false};
    const LossResult result = MicroBatchLoss(both_, labels_, {}, &teacher_, options);
    const LossResult first = MicroBatchLoss({head_, at::Tensor()}, labels_, {}, &teacher_, options);
    const LossResult second = MicroBatchLoss({head_dist_, at::Tensor()}, labels_, {}, &teacher_, options);
    EXPECT_NEAR(result.total.item<double>(), (first.total.item<double>() + second.total.item<double>()) / 2, 1e-6);
    EXPECT_EQ(result.total.item<double>(), result.distillation);
    EXPECT_EQ(result.base, 0);
    const at::Tensor others = at::tensor(std::vector<int64_t>{3, 3}), keep = at::tensor(std::vector<float>{0.5F, 0.5F});
    const LossResult same = MicroBatchLoss(both_, others, keep, &teacher_, options);
    EXPECT_EQ(same.total.item<double>(), result.total.item<double>()) << "labels had a say";
  }
}

TEST_F(LossTest, TheTeachersClassStandsInForAMissingLabel) {
  const at::Tensor known = at::tensor(teacher_.top1), missing = at::tensor(std::vector<int64_t>{0, -1});
  for (const DistillationType type : {DistillationType::kHard, DistillationType::kSoft}) {
    const LossResult expected = MicroBatchLoss(both_, known, {}, &teacher_, {.type = type});
    const LossResult result = MicroBatchLoss(both_, missing, {}, &teacher_, {.type = type});
    EXPECT_EQ(result.total.item<double>(), expected.total.item<double>());
    EXPECT_EQ(result.base, expected.base);
    EXPECT_EQ(result.correct, expected.correct);
    EXPECT_NE(result.base, MicroBatchLoss(both_, labels_, {}, &teacher_, {.type = type}).base);
  }
  EXPECT_EQ(missing[1].item<int64_t>(), -1) << "the caller's labels are left alone";
  EXPECT_THROW(MicroBatchLoss(both_, missing, {}, nullptr, {}), std::exception) << "the label is unknown";
}

// timm 1.0.31: SoftTargetCrossEntropy()(x, mixup_target(y, 4, lam, smoothing)), x and y as here.
TEST_F(LossTest, MixedTargetsAreTimms) {
  const nn::Outputs single{head_, at::Tensor()};
  const auto base = [&](float first, float second, double smoothing) {
    return MicroBatchLoss(single, labels_, at::tensor(std::vector<float>{first, second}), nullptr, {.smoothing = smoothing}).base;
  };
  EXPECT_NEAR(base(0.7F, 0.7F, 0.1), 1.2900196, 2e-6);
  EXPECT_NEAR(base(0.25F, 0.9F, 0.0), 1.8162696, 2e-6);
  EXPECT_NEAR(base(1, 1, 0.1), 1.222520, 2e-6) << "nothing mixed";
}

TEST_F(LossTest, PartnersOfMixedViewsHaveTheTeachersClassWhereALabelIsMissing) {
  const at::Tensor keep = at::tensor(std::vector<float>{0.6F, 0.6F}), missing = at::tensor(std::vector<int64_t>{0, -1});
  const auto loss = [&](const at::Tensor& labels) {
    return MicroBatchLoss(both_, labels, keep, &teacher_, {.type = DistillationType::kHard}).base;
  };
  EXPECT_EQ(loss(missing), loss(at::tensor(teacher_.top1)));
}

TEST_F(LossTest, AlphaWeighsTheTeacher) {
  const LossResult result = MicroBatchLoss(both_, labels_, {}, &teacher_, {.type = DistillationType::kSoft, .alpha = 0.2});
  EXPECT_NEAR(result.total.item<double>(), 0.8 * result.base + 0.2 * result.distillation, 1e-6);
}

TEST_F(LossTest, WithoutATeacherBothHeadsLearnTheLabelsTogether) {
  const LossResult result = MicroBatchLoss(both_, labels_, {}, nullptr, {.smoothing = 0.1});
  const LossResult average = MicroBatchLoss({(head_ + head_dist_) * 0.5, at::Tensor()}, labels_, {}, nullptr, {.smoothing = 0.1});
  EXPECT_EQ(result.base, average.base);
}

TEST_F(LossTest, WithoutADistillationHeadTheOnlyHeadIsDistilled) {
  const nn::Outputs single{head_dist_, at::Tensor()};
  EXPECT_NEAR(MicroBatchLoss(single, labels_, {}, &teacher_, {.type = DistillationType::kHard}).distillation, 1.687430, 2e-6);
}

TEST_F(LossTest, CountsFusedPredictionsWithTheFirstIndexOnTies) {
  EXPECT_EQ(MicroBatchLoss({Rows({1, 1, 0, 0, 0, 2, 0, 2}), at::Tensor()}, at::tensor(std::vector<int64_t>{0, 3}), {}, nullptr, {}).correct,
            1);
  EXPECT_EQ(MicroBatchLoss(both_, labels_, {}, nullptr, {}).correct, 2);
}

TEST_F(LossTest, GradientsFlowToBothHeads) {
  const nn::Outputs leaves{head_.clone().set_requires_grad(true), head_dist_.clone().set_requires_grad(true)};
  MicroBatchLoss(leaves, labels_, {}, &teacher_, {.type = DistillationType::kHard, .alpha = 0.25, .smoothing = 0}).total.backward();
  const at::Tensor one_hot = at::one_hot(labels_, 4);
  EXPECT_TRUE(at::allclose(leaves.head.grad(), (at::softmax(head_, 1) - one_hot) * (0.75 / 2), 1e-5, 1e-6));
  const at::Tensor top1 = at::one_hot(at::tensor(teacher_.top1), 4);
  EXPECT_TRUE(at::allclose(leaves.head_dist.grad(), (at::softmax(head_dist_, 1) - top1) * (0.25 / 2), 1e-5, 1e-6));
}

// One line of golden/losses.txt, which tests/parity/losses.py wrote.
struct Case {
  std::string kind, divisor, keep;
  double tau = 0, alpha = 0, smoothing = 0, total = 0, base = 0, distillation = 0;
  bool labels = false, binary = false;
  int heads = 0;
  std::vector<at::Tensor> gradients;  // fp64, by head

  LossOptions options() const {
    const bool soft = kind == "SOFT", none = kind == "NONE";
    return {.type = none   ? DistillationType::kNone
                    : soft ? DistillationType::kSoft
                           : DistillationType::kHard,
            .alpha = alpha,
            .tau = tau,
            .smoothing = smoothing,
            .reduction = divisor == "BATCHMEAN" ? Reduction::kBatchMean : Reduction::kNumel,
            .labels = labels,
            .binary = binary};
  }
};

constexpr int64_t kImages = 4, kClasses = 5;

std::vector<Case> Cases() {
  std::ifstream file(std::string(DEIT_GOLDEN_DIR) + "/losses.txt");
  std::vector<Case> cases;
  for (Case one;
       file >> one.kind >> one.tau >> one.alpha >> one.smoothing >> one.divisor >> one.labels >> one.heads >> one.keep >> one.binary;) {
    file >> one.total >> one.base >> one.distillation;
    one.gradients.clear();
    for (int head = 0; head < one.heads; ++head) {
      std::vector<double> values(kImages * kClasses);
      for (double& value : values) file >> value;
      one.gradients.push_back(at::tensor(values).view({kImages, kClasses}));
    }
    cases.push_back(one);
  }
  return cases;
}

std::vector<float> KeyedLogits(const char* name) {
  std::vector<float> logits(kImages * kClasses);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(4 * KeyedValue(KeyOf(name), i));
  return logits;
}

at::Tensor Leaf(const char* name) { return at::tensor(KeyedLogits(name)).view({kImages, kClasses}).set_requires_grad(true); }

TEST_F(LossTest, LossesAndGradientsArePyTorchs) {
  const std::vector<Case> cases = Cases();
  ASSERT_EQ(cases.size(), 58u);
  teacher::TeacherTargets teacher{.images = kImages, .classes = kClasses, .top1 = {}, .logits = KeyedLogits("teacher")};
  for (auto row = teacher.logits.begin(); row != teacher.logits.end(); row += kClasses) {
    teacher.top1.push_back(std::max_element(row, row + kClasses) - row);
  }
  const at::Tensor labels = at::tensor(std::vector<int64_t>{2, 0, 4, 2});
  for (const Case& one : cases) {
    SCOPED_TRACE(one.kind + " tau " + std::to_string(one.tau) + " " + one.divisor + (one.labels ? " labels " : " ") +
                 (one.binary ? "binary " : "") + one.keep);
    const nn::Outputs outputs{Leaf("head"), one.heads == 2 ? Leaf("head_dist") : at::Tensor()};
    const at::Tensor keep = one.keep == "-" ? at::Tensor() : at::full({kImages}, std::stod(one.keep), at::kFloat);
    const LossResult result = MicroBatchLoss(outputs, labels, keep, one.kind == "NONE" ? nullptr : &teacher, one.options());
    EXPECT_NEAR(result.total.item<double>(), one.total, 1e-6);
    EXPECT_NEAR(result.base, one.base, 1e-6);
    EXPECT_NEAR(result.distillation, one.distillation, 1e-6);
    result.total.backward();
    for (size_t head = 0; head < one.gradients.size(); ++head) {
      const at::Tensor& output = head == 0 ? outputs.head : outputs.head_dist;
      EXPECT_LT(nn::RelativeError(output.grad(), one.gradients[head]), 1e-6) << "head " << head;
    }
  }
}

std::unique_ptr<nn::Model> SmallNet() {
  v1::ModelSpec spec;
  spec.set_name("convnet");
  spec.set_num_classes(4);
  spec.set_in_chans(1);
  spec.set_img_size(8);
  for (const int width : {4, 8}) spec.add_widths(width);
  return nn::NewModel(models::ResolveModel(spec).value(), v1::FP32).value();
}

TEST_F(LossTest, TeacherRecordsWhatItsModelSays) {
  const std::unique_ptr<nn::Model> same = SmallNet();
  const std::vector<at::Tensor> values = nn::InitialValues(*same, 1);
  const teacher::OutputFormat format{teacher::RecordKind::kDenseFp32, 4, 0};
  const Teacher teacher(SmallNet(), values, format);
  const at::Tensor images = nn::Wave({3, 1, 8, 8}, 0.3);
  const StatusOr<std::string> record = teacher.Record(images);
  ASSERT_TRUE(record.ok()) << record.status();
  const StatusOr<teacher::TeacherTargets> targets = teacher::DecodeOutput(format, *record, 3);
  ASSERT_TRUE(targets.ok()) << targets.status();
  const at::NoGradGuard no_gradients;
  const at::Tensor logits = same->Forward(values, {}, images, {}).head;
  EXPECT_TRUE(at::equal(at::tensor(targets->logits).view({3, 4}), logits));
  EXPECT_FALSE(teacher.Record(images * NAN).ok());
}

}  // namespace
}  // namespace deit::distill
