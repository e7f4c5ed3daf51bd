#include "worker/distill/teacher.h"

#include <utility>

#include <ATen/core/grad_mode.h>

namespace deit::distill {

Teacher::Teacher(std::unique_ptr<nn::Model> model, std::vector<at::Tensor> values, teacher::OutputFormat format, TeacherPixels pixels)
    : model_(std::move(model)), values_(std::move(values)), format_(format), pixels_(std::move(pixels)) {}

at::Tensor Teacher::Logits(const at::Tensor& images) const {
  const at::NoGradGuard no_gradients;
  nn::ForwardContext context;
  context.block_done = block_done_;
  return FusedLogits(model_->Forward(values_, {}, pixels_.Fit(images), context)).contiguous();
}

StatusOr<std::string> Teacher::Record(const at::Tensor& images) const {
  const at::Tensor logits = Logits(images);
  DEIT_CHECK(logits.size(1) == format_.classes, "logits=", logits.size(1), " record=", format_.classes);
  return teacher::EncodeOutput(format_, logits.const_data_ptr<float>(), logits.size(0));
}

}  // namespace deit::distill
