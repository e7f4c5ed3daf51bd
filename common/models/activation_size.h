// Memory of what a model computes on the way to its logits, from its sizes alone, and how many images evaluation computes at once.
#pragma once

#include <cstdint>

#include "proto/spec.pb.h"

namespace deit::models {

// Bytes for one image.
struct ActivationSize {
  int64_t evaluation = 0;  // alive at once, in FP32
  int64_t training = 0;    // kept for the backward pass, in the precision asked for
};

// `resolved`: a model of the catalog, resolved. Of worker/nn's passes; what math libraries need inside an operation does not count.
ActivationSize ActivationsOf(const v1::ModelSpec& resolved, v1::Precision precision);

inline constexpr int64_t kPassBytes = int64_t{128} << 20;
inline constexpr int64_t kMostImagesPerPass = 32;

// Images that one pass of evaluation, or of a teacher, takes: as many as kPassBytes hold by ActivationSize::evaluation, at least 1 and at
// most kMostImagesPerPass. It never depends on the machine, because an image's logits may depend on it in their last bits, and a teacher's are
// kept. INT64_MAX for a Nystromformer, whose images are normalised together: it takes the whole chunk.
int64_t ImagesPerPass(const v1::ModelSpec& resolved);

}  // namespace deit::models
