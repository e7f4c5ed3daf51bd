// Serialised teacher outputs of one micro-batch. Every schedule of teacher inference goes through the same encode and decode, so that all
// of them train alike. Torch-free, pure, thread-safe.
//
// Per image, images in order, little-endian, no header (what a record belongs to is said where it is stored):
//   ARGMAX      u16 class (first index on ties)
//   TOPK        K x u16 class, by falling logit (first index on ties); K x fp16 log-probability; fp32 probability of all other classes
//   DENSE_FP16  C x fp16 logit (beyond +-65504: +-65504)
//   DENSE_FP32  C x fp32 logit
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace deit::v1 {
class JobSpec;
}  // namespace deit::v1

namespace deit::teacher {

enum class RecordKind { kArgmax, kTopK, kDenseFp16, kDenseFp32 };

struct OutputFormat {
  RecordKind kind = RecordKind::kArgmax;
  int64_t classes = 0;  // C
  int64_t topk = 0;     // K of TOPK, 1 .. C; else ignored

  int64_t BytesPerImage() const;
};

// What the job's teacher records: teacher.record (DEFAULT: ARGMAX for HARD, DENSE_FP32 otherwise), teacher.topk (at most the classes).
// Error: classes beyond 65,536 with ARGMAX or TOPK; ARGMAX with SOFT distillation (it needs probabilities).
StatusOr<OutputFormat> OutputFormatOf(const v1::JobSpec& job);

// What a loss needs of a record.
struct TeacherTargets {
  int64_t images = 0;
  int64_t classes = 0;
  std::vector<int64_t> top1;  // [images]: the most probable class, first index on ties
  std::vector<float> logits;  // [images, classes], up to a constant per row; empty for ARGMAX. TOPK: log-probabilities, the tail mass
                              // spread evenly over the classes not listed (at least the smallest normal float each)
};

// `logits`: fp32 [images, format.classes]. Error: a logit that is not finite (named by image and class).
StatusOr<std::string> EncodeOutput(const OutputFormat& format, const float* logits, int64_t images);

// Error (DataLoss): a size that is not images * BytesPerImage(), a class out of range or listed twice, a value that is not a number,
// infinite, or outside its range (log-probability above 0, tail mass outside [0, 1]).
StatusOr<TeacherTargets> DecodeOutput(const OutputFormat& format, std::string_view bytes, int64_t images);

}  // namespace deit::teacher
