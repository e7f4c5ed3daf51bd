#include "worker/distill/loss.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/add.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/zeros_like.h>

#include "proto/spec.pb.h"

namespace deit::distill {
namespace {

at::Tensor MeanNll(const at::Tensor& log_probabilities, const at::Tensor& classes) { return at::nll_loss(log_probabilities, classes); }

at::Tensor MeanMixedNll(const at::Tensor& log_probabilities, const at::Tensor& labels, const at::Tensor& keep) {
  const at::Tensor own = at::nll_loss(log_probabilities, labels, {}, at::Reduction::None);
  const at::Tensor partners = at::nll_loss(log_probabilities, labels.flip(0), {}, at::Reduction::None);
  return at::add(at::mul(own, keep), at::mul(partners, at::rsub(keep, 1))).mean();
}

at::Tensor SmoothedCrossEntropy(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& keep, double smoothing) {
  const at::Tensor log_probabilities = at::log_softmax(logits, 1);
  const at::Tensor nll = keep.defined() ? MeanMixedNll(log_probabilities, labels, keep) : MeanNll(log_probabilities, labels);
  if (smoothing == 0) return nll;
  return at::add(at::mul(nll, 1 - smoothing), log_probabilities.mean(), -smoothing);
}

at::Tensor BinaryCrossEntropy(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& keep) {
  at::Tensor target = at::zeros_like(logits);
  float* row = target.mutable_data_ptr<float>();
  const int64_t* const label = labels.const_data_ptr<int64_t>();
  const float* const share = keep.defined() ? keep.const_data_ptr<float>() : nullptr;
  const int64_t images = logits.size(0);
  for (int64_t i = 0; i < images; ++i) DEIT_CHECK(0 <= label[i] && label[i] < logits.size(1), "label ", label[i]);
  for (int64_t i = 0; i < images; ++i, row += logits.size(1)) {
    if (share == nullptr || share[i] > 0) row[label[i]] = 1;
    if (share != nullptr && share[i] < 1) row[label[images - 1 - i]] = 1;
  }
  return at::binary_cross_entropy_with_logits(logits, target);
}

// `targets` as a tensor of its own.
template <typename T>
at::Tensor Copy(const std::vector<T>& values, at::IntArrayRef shape) {
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(c10::CppTypeToScalarType<T>::value));
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<T>());
  return tensor;
}

at::Tensor SoftLoss(const at::Tensor& logits, const teacher::TeacherTargets& teacher, const LossOptions& options) {
  const double tau = options.tau;
  DEIT_CHECK(!teacher.logits.empty(), "a record without probabilities");
  const at::Tensor target = at::log_softmax(at::div(Copy(teacher.logits, {teacher.images, teacher.classes}), tau), 1);
  const at::Tensor divergence = at::kl_div(at::log_softmax(at::div(logits, tau), 1), target, at::Reduction::Sum, /*log_target=*/true);
  const int64_t divisor = options.reduction == Reduction::kNumel ? logits.numel() : logits.size(0);
  return at::mul(divergence, tau * tau / static_cast<double>(divisor));
}

at::Tensor DistillationLoss(const at::Tensor& logits, const teacher::TeacherTargets& teacher, const LossOptions& options) {
  DEIT_CHECK(teacher.images == logits.size(0), "images=", teacher.images);
  DEIT_CHECK(teacher.classes == logits.size(1), "classes=", teacher.classes);
  if (options.type == DistillationType::kSoft) return SoftLoss(logits, teacher, options);
  return MeanNll(at::log_softmax(logits, 1), Copy(teacher.top1, {teacher.images}));
}

// The teacher's classes replace missing labels.
at::Tensor CompleteLabels(const at::Tensor& labels, const teacher::TeacherTargets& teacher) {
  at::Tensor complete = labels.clone();
  int64_t* const label = complete.mutable_data_ptr<int64_t>();
  for (size_t image = 0; image < teacher.top1.size(); ++image) {
    if (label[image] < 0) label[image] = teacher.top1[image];
  }
  return complete;
}

// argmax without a promise about ties is not enough: the first index counts.
int64_t CountCorrect(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor rows = logits.detach().contiguous();
  const float* row = rows.const_data_ptr<float>();
  const int64_t* const label = labels.const_data_ptr<int64_t>();
  const int64_t classes = rows.size(1);
  int64_t correct = 0;
  for (int64_t image = 0; image < rows.size(0); ++image, row += classes) {
    correct += std::max_element(row, row + classes) - row == label[image] ? 1 : 0;
  }
  return correct;
}

}  // namespace

LossOptions LossOptionsOf(const v1::JobSpec& job) {
  const v1::DistillationSpec& spec = job.distillation();
  DistillationType type = DistillationType::kNone;
  if (spec.type() == v1::DistillationSpec::SOFT) type = DistillationType::kSoft;
  if (spec.type() == v1::DistillationSpec::HARD) type = DistillationType::kHard;
  return {.type = type,
          .alpha = spec.alpha(),
          .tau = spec.tau(),
          .smoothing = job.train().smoothing(),
          .reduction = spec.reduction() == v1::DistillationSpec::BATCHMEAN ? Reduction::kBatchMean : Reduction::kNumel,
          .labels = spec.labels(),
          .binary = job.train().bce_loss()};
}

LossResult MicroBatchLoss(const nn::Outputs& outputs, const at::Tensor& given_labels, const at::Tensor& keep,
                          const teacher::TeacherTargets* teacher, const LossOptions& options) {
  DEIT_CHECK((teacher != nullptr) == (options.type != DistillationType::kNone));
  DEIT_CHECK(teacher != nullptr || options.labels, "nothing to learn from");
  const at::Tensor labels = teacher == nullptr ? given_labels : CompleteLabels(given_labels, *teacher);
  const at::Tensor fused = FusedLogits(outputs);
  LossResult result;
  result.correct = CountCorrect(fused, labels);
  at::Tensor base, distilled;
  if (options.labels) {
    const at::Tensor& logits = teacher == nullptr ? fused : outputs.head;
    base = options.binary ? BinaryCrossEntropy(logits, labels, keep) : SmoothedCrossEntropy(logits, labels, keep, options.smoothing);
    result.base = base.item<double>();
  }
  if (teacher != nullptr) {
    const bool two_heads = outputs.head_dist.defined();
    distilled = DistillationLoss(two_heads ? outputs.head_dist : outputs.head, *teacher, options);
    if (two_heads && !options.labels) distilled = at::mul(at::add(distilled, DistillationLoss(outputs.head, *teacher, options)), 0.5);
    result.distillation = distilled.item<double>();
  }
  if (teacher == nullptr) result.total = base;
  else result.total = options.labels ? at::add(at::mul(base, 1 - options.alpha), distilled, options.alpha) : distilled;
  return result;
}

}  // namespace deit::distill
