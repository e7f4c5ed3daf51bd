#include "worker/distill/teacher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

namespace deit::distill {

Teacher::Teacher(std::unique_ptr<nn::Model> model, std::vector<at::Tensor> values, teacher::OutputFormat format, TeacherPixels pixels)
    : model_(std::move(model)), values_(std::move(values)), format_(format), pixels_(std::move(pixels)) {}

at::Tensor Teacher::Logits(const at::Tensor& images) const {
  const at::NoGradGuard no_gradients;
  nn::ForwardContext context;
  context.block_done = block_done_;
  // Fitted pass by pass: the whole micro-batch at the teacher's size may take more memory than the teacher.
  const int64_t count = images.size(0), most = std::min(model_->images_per_pass(), count);
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < count; first += most) {
    const at::Tensor part = images.narrow(0, first, std::min(most, count - first));
    parts.push_back(FusedLogits(model_->Forward(values_, {}, pixels_.Fit(part), context)));
  }
  return parts.size() == 1 ? parts[0].contiguous() : at::cat(parts);
}

StatusOr<std::string> Teacher::Record(const at::Tensor& images) const {
  const at::Tensor logits = Logits(images);
  DEIT_CHECK(logits.size(1) == format_.classes, "logits=", logits.size(1), " record=", format_.classes);
  return teacher::EncodeOutput(format_, logits.const_data_ptr<float>(), logits.size(0));
}

}  // namespace deit::distill
