// Resizes position embeddings to another image size.
#pragma once

#include <cstdint>

#include "worker/weights/weights_plan.h"

namespace deit::weights {

// `from`: prefix + side * side rows of `width` numbers; `out` likewise, in the model's grid. The grid is resized as timm's
// resample_abs_pos_embed does it: bicubic with antialiasing, in fp32; a grid of the same side is copied. Prefix rows are copied; a row of
// `out` that `from` lacks (the distillation token's) keeps what it holds. Needs LibTorch's exceptions caught.
void FitPositions(const float* from, const weights::PositionGrid& file, const weights::PositionGrid& model, int64_t width, float* out);

}  // namespace deit::weights
