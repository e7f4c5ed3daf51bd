#include "worker/distill/teacher_pixels.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "proto/spec.pb.h"

namespace deit::distill {
namespace {

using Floats = google::protobuf::RepeatedField<float>;

bool Same(const Floats& a, const Floats& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

at::Tensor PerChannel(const std::vector<double>& values) {
  at::Tensor tensor = at::empty({1, static_cast<int64_t>(values.size()), 1, 1}, at::kFloat);
  std::transform(values.begin(), values.end(), tensor.mutable_data_ptr<float>(), [](double v) { return static_cast<float>(v); });
  return tensor;
}

std::string Statistics(const Floats& mean, const Floats& std) {
  return absl::StrCat("mean [", absl::StrJoin(mean, ", "), "], std [", absl::StrJoin(std, ", "), "]");
}

}  // namespace

TeacherPixels TeacherPixels::Of(const v1::JobSpec& job) {
  const Floats &mean = job.data().mean(), &std = job.data().std();
  const Floats& own_mean = job.teacher().mean().empty() ? mean : job.teacher().mean();
  const Floats& own_std = job.teacher().std().empty() ? std : job.teacher().std();
  const int side = job.teacher().model().img_size(), students = job.model().img_size();
  TeacherPixels pixels;
  std::vector<std::string> done;
  if (side != students) {
    pixels.side_ = side;
    done.push_back(absl::StrCat("resized from ", students, "x", students, " to ", side, "x", side, " (bicubic, antialiased)"));
  }
  if (!Same(mean, own_mean) || !Same(std, own_std)) {
    std::vector<double> scale, shift;
    for (int c = 0; c < mean.size(); ++c) {
      scale.push_back(static_cast<double>(std[c]) / static_cast<double>(own_std[c]));
      shift.push_back((static_cast<double>(mean[c]) - static_cast<double>(own_mean[c])) / static_cast<double>(own_std[c]));
    }
    pixels.scale_ = PerChannel(scale);
    pixels.shift_ = PerChannel(shift);
    done.push_back(absl::StrCat("normalised by ", Statistics(own_mean, own_std), " instead of ", Statistics(mean, std)));
  }
  if (!done.empty()) pixels.description_ = absl::StrCat("sees the student's pixels ", absl::StrJoin(done, " and "));
  return pixels;
}

at::Tensor TeacherPixels::Fit(const at::Tensor& images) const {
  at::Tensor fitted = images;
  if (side_ > 0) fitted = at::_upsample_bicubic2d_aa(fitted, {side_, side_}, /*align_corners=*/false);
  if (scale_.defined()) fitted = at::add(at::mul(fitted, scale_), shift_);
  return fitted;
}

}  // namespace deit::distill
