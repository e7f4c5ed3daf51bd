// The training loss of one micro-batch: label-smoothing or binary cross entropy and DeiT's hard or soft distillation
// (facebookresearch/deit losses.py and main.py).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "common/teacher/teacher_output.h"
#include "worker/nn/model.h"

namespace deit::v1 {
class JobSpec;
}  // namespace deit::v1

namespace deit::distill {

enum class DistillationType { kNone, kSoft, kHard };
enum class Reduction { kNumel, kBatchMean };

struct LossOptions {
  DistillationType type = DistillationType::kNone;
  double alpha = 0.5;                       // weight of the teacher's loss
  double tau = 1.0;                         // temperature of SOFT
  double smoothing = 0.1;                   // of the labels
  Reduction reduction = Reduction::kNumel;  // of SOFT
  bool labels = true;                       // false: the teacher's loss alone
  bool binary = false;                      // labels by binary cross entropy; smoothing is then 0
};

LossOptions LossOptionsOf(const v1::JobSpec& job);

struct LossResult {
  at::Tensor total;         // fp32 scalar with its autograd graph
  double base = 0;          // before weighting; 0 without labels
  double distillation = 0;  // before weighting; 0 without a teacher
  int64_t correct = 0;      // images whose fused logits are highest at their label (first index on ties)
};

// Means over the micro-batch:
//   base  = (1 - smoothing) * nll + smoothing * mean over classes of -log p, of the class head; of both heads' average if the model is
//           distilled and there is no teacher. Where views are mixed, nll is that of the mixed target: keep of the own label, the rest of
//           the label of the partner (image n - 1 - i), as timm's mixup_target with SoftTargetCrossEntropy. With options.binary: the mean over
//           images and classes of the binary cross entropy of sigmoid(logit), whose target is 1 for each label with a share in the view
//           (DeiT III: main.py's --bce-loss at smoothing 0; of views that are not mixed timm's BinaryCrossEntropy), else 0
//   SOFT  = tau^2 * sum over images of KL(softmax(teacher / tau) || softmax(student / tau)), divided by images * classes (kNumel: DeiT's
//           losses.py) or by images (kBatchMean: vit-pytorch's distill.py, timm's train.py; Hinton et al., arXiv 1503.02531)
//   HARD  = cross entropy with the teacher's most probable class, neither smoothed nor tempered
//   total = base without a teacher, SOFT or HARD without labels, else (1 - alpha) * base + alpha * SOFT or HARD
// The student of SOFT and HARD is head_dist; a model without one is distilled through its only head (the paper's "usual" distillation). Without
// labels each head is, and the loss is the mean of both.
// `labels`: int64 [N], each in [0, classes), or negative where an image has none: it takes the teacher's most probable class. Without
// options.labels they are counted as correct or not, and nothing else.
// `keep`: fp32 [N], of mixed views (augment/mixing.h); undefined where views are not mixed.
// `teacher`: null without a teacher (options.type kNone), else of the same images and classes.
LossResult MicroBatchLoss(const nn::Outputs& outputs, const at::Tensor& labels, const at::Tensor& keep,
                          const teacher::TeacherTargets* teacher, const LossOptions& options);

}  // namespace deit::distill
