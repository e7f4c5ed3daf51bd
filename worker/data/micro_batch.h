// The images of one lane in one step, as the student sees them.
#pragma once

#include <cstdint>
#include <vector>

#include "common/plan/sampler.h"
#include "worker/augment/mixing.h"

namespace deit::data {

// In place of the label that a view does not have (data.labelled).
inline constexpr int32_t kUnlabelled = -1;

// Rows of `pixels`, `labels`, `views` and `mixes` belong together. `mixes` is empty where the job does not mix; else `pixels` are mixed
// already, and the partner of row i is row n - 1 - i. `pixels` is (views.size(), C, S, S) fp32, starts on a 4,096-byte
// bound (pixel_buffer.h) and belongs to the source of the batch.
struct MicroBatch {
  uint64_t step = 0;
  int lane = 0;
  std::vector<plan::View> views;
  std::vector<int32_t> labels;
  std::vector<augment::Mix> mixes;
  float* pixels = nullptr;
  int replaced = 0;  // views that show another image than their own (data.on_bad_image)
};

}  // namespace deit::data
