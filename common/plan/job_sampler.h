// Sampler of a job.
#pragma once

#include <cstdint>

#include "common/base/status.h"
#include "common/plan/sampler.h"
#include "proto/spec.pb.h"

namespace deit::plan {

// data.seed, or train.seed where it is not set: keys order and views.
uint64_t DataSeed(const v1::JobSpec& spec);

// Sampler::Create from the spec's fields and the data set's number of training images. With data.labelled and no teacher to label the other
// images (distillation.type NONE), only the labelled ones are shown.
StatusOr<Sampler> SamplerOf(const v1::JobSpec& spec, uint64_t images);

}  // namespace deit::plan
