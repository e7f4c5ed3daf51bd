// Frozen teacher model and its outputs for a micro-batch.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/teacher/teacher_output.h"
#include "worker/distill/teacher_pixels.h"
#include "worker/nn/model.h"

namespace deit::distill {

// One thread at a time.
class Teacher {
 public:
  // `values[i]` belongs to model->tensors()[i], in the precision that it asks for; never changed.
  Teacher(std::unique_ptr<nn::Model> model, std::vector<at::Tensor> values, teacher::OutputFormat format, TeacherPixels pixels = {});

  const nn::Model& model() const { return *model_; }
  const teacher::OutputFormat& format() const { return format_; }

  // fp32 [N, classes] of images as the student sees them (fp32 [N, C, H, W]): evaluation mode, no gradients, both heads averaged if there are
  // two. Computed Model::images_per_pass images at a time.
  at::Tensor Logits(const at::Tensor& images) const;

  // The encoded record of a whole micro-batch. OutOfRange: logits that are not finite.
  StatusOr<std::string> Record(const at::Tensor& images) const;

  // Called after each block of the forward passes that follow; see ForwardContext.
  void OnBlock(std::function<void()> done) { block_done_ = std::move(done); }

 private:
  std::unique_ptr<nn::Model> model_;
  std::vector<at::Tensor> values_;
  teacher::OutputFormat format_;
  TeacherPixels pixels_;
  std::function<void()> block_done_;
};

}  // namespace deit::distill
