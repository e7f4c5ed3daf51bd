// Logits of student and teacher for some images, and the similarity of the student's two tokens, for the report.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/distill/teacher.h"
#include "worker/nn/model.h"
#include "worker/train/evaluation_report.h"

namespace deit::engine {

// One thread at a time, as the models. LibTorch's exceptions pass.
class ReportPass {
 public:
  // Both outlive it; `teacher` may be null. `two_heads`: the student has a second head in evaluation too.
  ReportPass(const nn::Model& student, bool two_heads, const distill::Teacher* teacher)
      : student_(student), two_heads_(two_heads), teacher_(teacher) {}

  // Predictors: "class"; of a student with two heads also "distillation", "fused" (mean of both logits: what the model predicts, as
  // DeiT's code) and "fused_softmax" (mean of both softmax outputs, as the paper says); "teacher", if there is one. With two heads
  // their tokens are compared after the embedding and each block, where the model shows them.
  train::EvaluationReport NewReport() const;

  // `values`: of the student, as Model::Forward. `images`: as the student sees them.
  void Add(const std::vector<at::Tensor>& values, const at::Tensor& images, const std::vector<int32_t>& labels,
           train::EvaluationReport* report) const;

 private:
  const nn::Model& student_;
  const bool two_heads_;
  const distill::Teacher* const teacher_;
};

}  // namespace deit::engine
