#include "worker/distill/loss.h"

#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "proto/spec.pb.h"
#include "tests/worker/models/torch_support.h"
#include "worker/distill/teacher.h"
#include "worker/models/model.h"

namespace deit::distill {
namespace {

// deit-facts appendix G3.
class LossTest : public testing::Test {
 protected:
  void SetUp() override { models::UseOneThread(); }

  static at::Tensor Rows(const std::vector<float>& values) { return at::tensor(values).view({2, 4}); }

  const at::Tensor head_ = Rows({1, 2, 3, 0, .5F, -1, 2, 0});
  const at::Tensor head_dist_ = Rows({0, 1, 2, -1, 1, 1, -2, .3F});
  const models::Outputs both_{head_, head_dist_};
  const at::Tensor labels_ = at::tensor(std::vector<int64_t>{2, 0});
  const TeacherTargets teacher_{.images = 2, .classes = 4, .top1 = {0, 1}, .logits = {3, 2, 1, 0, 0, 4, 1, -1}};
};

TEST_F(LossTest, BaseIsCrossEntropyWithOrWithoutSmoothing) {
  const models::Outputs single{head_, at::Tensor()};
  EXPECT_NEAR(MicroBatchLoss(single, labels_, nullptr, {.smoothing = 0}).base, 1.141270, 2e-6);
  const LossResult smoothed = MicroBatchLoss(single, labels_, nullptr, {.smoothing = 0.1});
  EXPECT_NEAR(smoothed.base, 1.222520, 2e-6);
  EXPECT_EQ(smoothed.total.item<double>(), smoothed.base);
  EXPECT_EQ(smoothed.distillation, 0);
}

TEST_F(LossTest, HardMatchesTheGoldenValues) {
  const LossResult result = MicroBatchLoss(both_, labels_, &teacher_, {.type = DistillationType::kHard, .alpha = 0.5, .smoothing = 0.1});
  EXPECT_NEAR(result.distillation, 1.687430, 2e-6);
  EXPECT_NEAR(result.total.item<double>(), 1.454975, 2e-6);
}

TEST_F(LossTest, SoftDividesByTheNumberOfLogits) {
  EXPECT_NEAR(MicroBatchLoss(both_, labels_, &teacher_, {.type = DistillationType::kSoft, .tau = 1}).distillation, 0.2351150, 2e-7);
  EXPECT_NEAR(MicroBatchLoss(both_, labels_, &teacher_, {.type = DistillationType::kSoft, .tau = 3}).distillation, 0.3763627, 3e-7);
}

TEST_F(LossTest, TheTeachersClassStandsInForAMissingLabel) {
  const at::Tensor known = at::tensor(teacher_.top1), missing = at::tensor(std::vector<int64_t>{0, -1});
  for (const DistillationType type : {DistillationType::kHard, DistillationType::kSoft}) {
    const LossResult expected = MicroBatchLoss(both_, known, &teacher_, {.type = type});
    const LossResult result = MicroBatchLoss(both_, missing, &teacher_, {.type = type});
    EXPECT_EQ(result.total.item<double>(), expected.total.item<double>());
    EXPECT_EQ(result.base, expected.base);
    EXPECT_EQ(result.correct, expected.correct);
    EXPECT_NE(result.base, MicroBatchLoss(both_, labels_, &teacher_, {.type = type}).base);
  }
  EXPECT_EQ(missing[1].item<int64_t>(), -1) << "the caller's labels are left alone";
  EXPECT_THROW(MicroBatchLoss(both_, missing, nullptr, {}), std::exception) << "nobody knows the label";
}

TEST_F(LossTest, AlphaWeighsTheTeacher) {
  const LossResult result = MicroBatchLoss(both_, labels_, &teacher_, {.type = DistillationType::kSoft, .alpha = 0.2});
  EXPECT_NEAR(result.total.item<double>(), 0.8 * result.base + 0.2 * result.distillation, 1e-6);
}

TEST_F(LossTest, WithoutATeacherBothHeadsLearnTheLabelsTogether) {
  const LossResult result = MicroBatchLoss(both_, labels_, nullptr, {.smoothing = 0.1});
  const LossResult average = MicroBatchLoss({(head_ + head_dist_) * 0.5, at::Tensor()}, labels_, nullptr, {.smoothing = 0.1});
  EXPECT_EQ(result.base, average.base);
}

TEST_F(LossTest, WithoutADistillationHeadTheOnlyHeadIsDistilled) {
  const models::Outputs single{head_dist_, at::Tensor()};
  EXPECT_NEAR(MicroBatchLoss(single, labels_, &teacher_, {.type = DistillationType::kHard}).distillation, 1.687430, 2e-6);
}

TEST_F(LossTest, CountsFusedPredictionsWithTheFirstIndexOnTies) {
  EXPECT_EQ(MicroBatchLoss({Rows({1, 1, 0, 0, 0, 2, 0, 2}), at::Tensor()}, at::tensor(std::vector<int64_t>{0, 3}), nullptr, {}).correct, 1);
  EXPECT_EQ(MicroBatchLoss(both_, labels_, nullptr, {}).correct, 2);
}

TEST_F(LossTest, GradientsFlowToBothHeads) {
  const models::Outputs leaves{head_.clone().set_requires_grad(true), head_dist_.clone().set_requires_grad(true)};
  MicroBatchLoss(leaves, labels_, &teacher_, {.type = DistillationType::kHard, .alpha = 0.25, .smoothing = 0}).total.backward();
  const at::Tensor one_hot = at::one_hot(labels_, 4);
  EXPECT_TRUE(at::allclose(leaves.head.grad(), (at::softmax(head_, 1) - one_hot) * (0.75 / 2), 1e-5, 1e-6));
  const at::Tensor top1 = at::one_hot(at::tensor(teacher_.top1), 4);
  EXPECT_TRUE(at::allclose(leaves.head_dist.grad(), (at::softmax(head_dist_, 1) - top1) * (0.25 / 2), 1e-5, 1e-6));
}

TEST_F(LossTest, TeacherRecordsWhatItsModelSays) {
  v1::ModelSpec spec;
  spec.set_name("convnet");
  spec.set_num_classes(4);
  spec.set_in_chans(1);
  for (const int width : {4, 8}) spec.add_widths(width);
  const std::unique_ptr<models::Model> same = *models::NewModel(spec, v1::FP32);
  const std::vector<at::Tensor> values = models::InitialValues(*same, 1);
  const RecordFormat format{RecordKind::kDenseFp32, 4, 0};
  const Teacher teacher(*models::NewModel(spec, v1::FP32), values, format);
  const at::Tensor images = models::Wave({3, 1, 8, 8}, 0.3);
  const StatusOr<std::string> record = teacher.Record(images);
  ASSERT_TRUE(record.ok()) << record.status();
  const StatusOr<TeacherTargets> targets = DecodeRecord(format, *record, 3);
  ASSERT_TRUE(targets.ok()) << targets.status();
  const at::NoGradGuard no_gradients;
  const at::Tensor logits = same->Forward(values, {}, images, {}).head;
  EXPECT_TRUE(at::equal(at::tensor(targets->logits).view({3, 4}), logits));
  EXPECT_FALSE(teacher.Record(images * NAN).ok());
}

}  // namespace
}  // namespace deit::distill
