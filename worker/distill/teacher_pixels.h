// Teacher input of a micro-batch: the student's pixels (cropped, augmented, mixed, erased), at the teacher's size and in the teacher's
// normalisation. A pure function of those pixels, so a teacher output belongs to exactly the pixels that the student sees (law 2).
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace deit::v1 {
class JobSpec;
}  // namespace deit::v1

namespace deit::distill {

// Immutable and thread-safe. Tensors must be used with LibTorch's exceptions caught.
class TeacherPixels {
 public:
  TeacherPixels() = default;  // the student's, as they are

  // Of a resolved job with a teacher: teacher.model.img_size, mean and std beside those of model and data.
  static TeacherPixels Of(const v1::JobSpec& job);

  // fp32 [N, C, student's side, same] -> fp32 [N, C, teacher's side, same]. First resized as F.interpolate(mode="bicubic",
  // antialias=True, align_corners=False), image by image, without rounding or cutting values; then x * s + (m - m') / s', s = std / std',
  // which is ((x * std + m) - m') / s' of timm's train.py. Each is left out where nothing differs; where neither does, `images` itself is
  // returned.
  at::Tensor Fit(const at::Tensor& images) const;

  // What is done, for people; empty: nothing.
  const std::string& description() const { return description_; }

 private:
  int64_t side_ = 0;          // to resize to; 0: not
  at::Tensor scale_, shift_;  // fp32 [1, C, 1, 1]; undefined: normalised alike
  std::string description_;
};

}  // namespace deit::distill
