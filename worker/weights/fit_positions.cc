#include "worker/weights/fit_positions.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

namespace deit::weights {

void FitPositions(const float* from, const weights::PositionGrid& file, const weights::PositionGrid& model, int64_t width, float* out) {
  std::copy(from, from + std::min(file.prefix, model.prefix) * width, out);
  const float* const grid = from + file.prefix * width;
  float* const fitted = out + model.prefix * width;
  if (file.side == model.side) {
    std::copy(grid, grid + file.side * file.side * width, fitted);
    return;
  }
  const at::NoGradGuard no_gradients;
  const at::Tensor rows = at::from_blob(const_cast<float*>(grid), {1, file.side, file.side, width}, at::kFloat);
  const at::Tensor resized = at::_upsample_bicubic2d_aa(rows.permute({0, 3, 1, 2}), {model.side, model.side}, /*align_corners=*/false);
  const at::Tensor dense = resized.permute({0, 2, 3, 1}).contiguous();
  std::copy(dense.const_data_ptr<float>(), dense.const_data_ptr<float>() + dense.numel(), fitted);
}

}  // namespace deit::weights
