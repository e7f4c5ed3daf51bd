#include "worker/engine/report_pass.h"

#include <cmath>
#include <string>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>

#include "common/base/status.h"

namespace deit::engine {
namespace {

// 0 where one of them is.
double Cosine(const float* a, const float* b, int64_t count) {
  double product = 0, squares_a = 0, squares_b = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    product += x * y;
    squares_a += x * x;
    squares_b += y * y;
  }
  return product == 0 ? 0 : product / std::sqrt(squares_a * squares_b);
}

// `tokens`: fp32 [n, 2, width], of which the last dimension is dense.
void AddCosines(int64_t layer, const at::Tensor& tokens, train::EvaluationReport* report) {
  DEIT_CHECK(tokens.dim() == 3 && tokens.size(1) == 2 && tokens.stride(2) == 1, "tokens of layer ", layer);
  const float* first = tokens.const_data_ptr<float>();
  for (int64_t image = 0; image < tokens.size(0); ++image, first += tokens.stride(0)) {
    report->AddCosine(layer, Cosine(first, first + tokens.stride(1), tokens.size(2)));
  }
}

}  // namespace

train::EvaluationReport ReportPass::NewReport() const {
  std::vector<std::string> predictors = {"class"};
  if (two_heads_) predictors.insert(predictors.end(), {"distillation", "fused", "fused_softmax"});
  if (teacher_ != nullptr) predictors.push_back("teacher");
  return {std::move(predictors), two_heads_ ? student_.token_layers() : 0};
}

void ReportPass::Add(const std::vector<at::Tensor>& values, const at::Tensor& images, const std::vector<int32_t>& labels,
                     train::EvaluationReport* report) const {
  const at::NoGradGuard no_grad;
  nn::ForwardContext context;
  if (report->layers() > 0) {
    context.observe = [report](int64_t layer, const at::Tensor& tokens) { AddCosines(layer, tokens, report); };
  }
  const nn::Outputs outputs = student_.Forward(values, {}, images, context);
  std::vector<at::Tensor> logits = {outputs.head.contiguous()};
  if (two_heads_) {
    // As logits: the logarithm of the mean of both softmax outputs, up to a constant.
    const at::Tensor softmax = at::logaddexp(at::log_softmax(outputs.head, 1), at::log_softmax(outputs.head_dist, 1));
    for (const at::Tensor& more : {outputs.head_dist, FusedLogits(outputs), softmax}) logits.push_back(more.contiguous());
  }
  if (teacher_ != nullptr) logits.push_back(teacher_->Logits(images));
  for (size_t i = 0; i < labels.size(); ++i) {
    std::vector<const float*> rows;
    for (const at::Tensor& predictor : logits)
      rows.push_back(predictor.const_data_ptr<float>() + static_cast<int64_t>(i) * predictor.size(1));
    report->Add(rows, outputs.head.size(1), labels[i]);
  }
}

}  // namespace deit::engine
