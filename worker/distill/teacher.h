// A frozen model that says what it sees in a micro-batch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/distill/record.h"
#include "worker/distill/teacher_pixels.h"
#include "worker/models/model.h"

namespace deit::distill {

// One thread at a time.
class Teacher {
 public:
  // `values[i]` belongs to model->tensors()[i], in the precision that it asks for; never changed.
  Teacher(std::unique_ptr<models::Model> model, std::vector<at::Tensor> values, RecordFormat format, TeacherPixels pixels = {});

  const models::Model& model() const { return *model_; }
  const RecordFormat& format() const { return format_; }

  // fp32 [N, classes] of images as the student sees them (fp32 [N, C, H, W]): evaluation mode, no gradients, both heads averaged if there are
  // two.
  at::Tensor Logits(const at::Tensor& images) const;

  // The encoded record of a whole micro-batch. Error: logits that are not finite.
  StatusOr<std::string> Record(const at::Tensor& images) const;

 private:
  std::unique_ptr<models::Model> model_;
  std::vector<at::Tensor> values_;
  RecordFormat format_;
  TeacherPixels pixels_;
};

}  // namespace deit::distill
