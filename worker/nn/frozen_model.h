// Model with fixed weights for inference: teachers and predictions.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/base/status.h"
#include "worker/nn/model.h"

namespace deit::nn {

struct FrozenModel {
  std::unique_ptr<Model> model;
  std::vector<at::Tensor> values;  // of model->tensors(), as its Forward wants them
};

// Writes tensor `t` of NewModel(spec)'s as fp32, row-major.
using ReadTensor = std::function<Status(size_t t, float* out)>;

// `model` is resolved. Batch norms are folded into the convolutions before them, before rounding to `precision`, and kernels are laid out
// for the passes; results differ from NewModel's by rounding. Needs no more memory than the weights in that precision and one tensor.
// Errors: NewModel's and the reader's. Exceptions of LibTorch pass.
StatusOr<FrozenModel> NewFrozenModel(const v1::ModelSpec& model, v1::Precision precision, const ReadTensor& read);

}  // namespace deit::nn
