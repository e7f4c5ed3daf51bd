#include "common/teacher/teacher_output.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "common/teacher/half.h"
#include "proto/spec.pb.h"

namespace deit::teacher {
namespace {

constexpr int64_t kMostIdClasses = 65536;
constexpr float kLargestHalf = 65504.0F;

// Values at the end of, or from the front of, a string of bytes. This project runs on little-endian machines only.
template <typename T>
void Put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
template <typename T>
T Take(std::string_view& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  bytes.remove_prefix(sizeof(value));
  return value;
}

int64_t FirstLargest(const float* row, int64_t classes) { return std::max_element(row, row + classes) - row; }

// log(sum of e^row), in double.
double LogSum(const float* row, int64_t classes) {
  const double largest = *std::max_element(row, row + classes);
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(row[c] - largest);
  return largest + std::log(sum);
}

void EncodeTopK(const float* row, int64_t classes, int64_t k, std::string& bytes) {
  std::vector<int64_t> ids(static_cast<size_t>(classes));
  std::iota(ids.begin(), ids.end(), 0);
  std::partial_sort(ids.begin(), ids.begin() + k, ids.end(),
                    [row](int64_t a, int64_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
  const double log_sum = LogSum(row, classes);
  double tail = 0;
  for (auto id = ids.begin() + k; id != ids.end(); ++id) tail += std::exp(row[*id] - log_sum);
  for (int64_t i = 0; i < k; ++i) Put(bytes, static_cast<uint16_t>(ids[static_cast<size_t>(i)]));
  for (int64_t i = 0; i < k; ++i) {
    const double log_probability = std::max(row[ids[static_cast<size_t>(i)]] - log_sum, -double{kLargestHalf});
    Put(bytes, HalfFromFloat(static_cast<float>(std::min(log_probability, 0.0))));
  }
  Put(bytes, static_cast<float>(std::min(tail, 1.0)));
}

void EncodeRow(const OutputFormat& format, const float* row, std::string& bytes) {
  switch (format.kind) {
    case RecordKind::kArgmax: return Put(bytes, static_cast<uint16_t>(FirstLargest(row, format.classes)));
    case RecordKind::kTopK: return EncodeTopK(row, format.classes, format.topk, bytes);
    case RecordKind::kDenseFp16:
      for (int64_t c = 0; c < format.classes; ++c) Put(bytes, HalfFromFloat(std::clamp(row[c], -kLargestHalf, kLargestHalf)));
      return;
    case RecordKind::kDenseFp32:
      bytes.append(reinterpret_cast<const char*>(row), static_cast<size_t>(format.classes) * sizeof(float));
      return;
  }
}

Status Malformed(int64_t image, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("teacher output: image ", image, ": ", what));
}

Status DecodeTopK(const OutputFormat& format, int64_t image, std::string_view& bytes, float* row) {
  std::vector<uint16_t> ids;
  for (int64_t i = 0; i < format.topk; ++i) ids.push_back(Take<uint16_t>(bytes));
  constexpr float kUnlisted = 1.0F;  // no log-probability is positive
  std::fill_n(row, format.classes, kUnlisted);
  for (const uint16_t id : ids) {
    const float log_probability = FloatFromHalf(Take<uint16_t>(bytes));
    if (id >= format.classes) return Malformed(image, absl::StrCat("class ", id, " of ", format.classes));
    if (row[id] != kUnlisted) return Malformed(image, absl::StrCat("class ", id, " twice"));
    if (!(log_probability <= 0) || std::isinf(log_probability)) return Malformed(image, absl::StrCat("log-probability ", log_probability));
    row[id] = log_probability;
  }
  const float tail = Take<float>(bytes);
  if (!(tail >= 0 && tail <= 1)) return Malformed(image, absl::StrCat("tail mass ", tail));
  const float others = static_cast<float>(std::max<int64_t>(format.classes - format.topk, 1));
  const float share = std::log(std::max(tail / others, std::numeric_limits<float>::min()));
  std::replace(row, row + format.classes, kUnlisted, share);
  return absl::OkStatus();
}

Status DecodeDense(const OutputFormat& format, int64_t image, std::string_view& bytes, float* row) {
  for (int64_t c = 0; c < format.classes; ++c) {
    row[c] = format.kind == RecordKind::kDenseFp16 ? FloatFromHalf(Take<uint16_t>(bytes)) : Take<float>(bytes);
    if (!std::isfinite(row[c])) return Malformed(image, absl::StrCat("class ", c, ": logit ", row[c]));
  }
  return absl::OkStatus();
}

RecordKind KindOf(const v1::JobSpec& job) {
  switch (job.teacher().record()) {
    case v1::TeacherSpec::ARGMAX: return RecordKind::kArgmax;
    case v1::TeacherSpec::TOPK: return RecordKind::kTopK;
    case v1::TeacherSpec::DENSE_FP16: return RecordKind::kDenseFp16;
    case v1::TeacherSpec::DENSE_FP32: return RecordKind::kDenseFp32;
    case v1::TeacherSpec::DEFAULT: break;
  }
  return job.distillation().type() == v1::DistillationSpec::HARD ? RecordKind::kArgmax : RecordKind::kDenseFp32;
}

}  // namespace

int64_t OutputFormat::BytesPerImage() const {
  switch (kind) {
    case RecordKind::kArgmax: return 2;
    case RecordKind::kTopK: return 4 * topk + 4;
    case RecordKind::kDenseFp16: return 2 * classes;
    case RecordKind::kDenseFp32: return 4 * classes;
  }
  return 0;
}

StatusOr<OutputFormat> OutputFormatOf(const v1::JobSpec& job) {
  const int64_t classes = job.model().num_classes();
  const OutputFormat format{KindOf(job), classes, std::min<int64_t>(job.teacher().topk(), classes)};
  const bool has_ids = format.kind == RecordKind::kArgmax || format.kind == RecordKind::kTopK;
  if (has_ids && classes > kMostIdClasses) {
    const std::string message = absl::StrCat("teacher.record: ", classes, " classes: ARGMAX and TOPK hold at most ", kMostIdClasses);
    return WithHint(absl::InvalidArgumentError(message), "set teacher.record to DENSE_FP16 or DENSE_FP32");
  }
  if (format.kind == RecordKind::kArgmax && job.distillation().type() == v1::DistillationSpec::SOFT) {
    return WithHint(absl::InvalidArgumentError("teacher.record: ARGMAX: SOFT distillation needs the teacher's probabilities"),
                    "set teacher.record to TOPK, DENSE_FP16 or DENSE_FP32, or distillation.type to HARD");
  }
  return format;
}

StatusOr<std::string> EncodeOutput(const OutputFormat& format, const float* logits, int64_t images) {
  std::string bytes;
  bytes.reserve(static_cast<size_t>(images * format.BytesPerImage()));
  for (int64_t image = 0; image < images; ++image) {
    const float* const row = logits + image * format.classes;
    const float* const bad = std::find_if_not(row, row + format.classes, [](float v) { return std::isfinite(v); });
    if (bad != row + format.classes) {
      return absl::OutOfRangeError(absl::StrCat("teacher: image ", image, " of the micro-batch, class ", bad - row, ": logit ", *bad));
    }
    EncodeRow(format, row, bytes);
  }
  return bytes;
}

StatusOr<TeacherTargets> DecodeOutput(const OutputFormat& format, std::string_view bytes, int64_t images) {
  if (images < 0 || bytes.size() != static_cast<size_t>(images * format.BytesPerImage())) {
    return absl::DataLossError(
        absl::StrCat("teacher output: ", bytes.size(), " bytes: ", images, " images of ", format.BytesPerImage(), " bytes each expected"));
  }
  TeacherTargets targets{.images = images, .classes = format.classes, .top1 = {}, .logits = {}};
  if (format.kind == RecordKind::kArgmax) {
    for (int64_t image = 0; image < images; ++image) {
      const uint16_t id = Take<uint16_t>(bytes);
      if (id >= format.classes) return Malformed(image, absl::StrCat("class ", id, " of ", format.classes));
      targets.top1.push_back(id);
    }
    return targets;
  }
  targets.logits.resize(static_cast<size_t>(images * format.classes));
  for (int64_t image = 0; image < images; ++image) {
    float* const row = targets.logits.data() + image * format.classes;
    DEIT_RETURN_IF_ERROR(format.kind == RecordKind::kTopK ? DecodeTopK(format, image, bytes, row) : DecodeDense(format, image, bytes, row));
    targets.top1.push_back(FirstLargest(row, format.classes));
  }
  return targets;
}

}  // namespace deit::teacher
