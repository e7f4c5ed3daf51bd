#include "worker/distill/teacher.h"

#include <utility>

#include <ATen/core/grad_mode.h>

namespace deit::distill {

Teacher::Teacher(std::unique_ptr<models::Model> model, std::vector<at::Tensor> values, RecordFormat format)
    : model_(std::move(model)), values_(std::move(values)), format_(format) {}

StatusOr<std::string> Teacher::Record(const at::Tensor& images) const {
  const at::NoGradGuard no_gradients;
  const at::Tensor logits = FusedLogits(model_->Forward(values_, {}, images, {})).contiguous();
  DEIT_CHECK(logits.size(1) == format_.classes, "logits=", logits.size(1), " record=", format_.classes);
  return EncodeRecord(format_, logits.const_data_ptr<float>(), logits.size(0));
}

}  // namespace deit::distill
