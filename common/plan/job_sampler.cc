#include "common/plan/job_sampler.h"

#include <algorithm>

namespace deit::plan {

uint64_t DataSeed(const v1::JobSpec& spec) { return spec.data().has_seed() ? spec.data().seed() : spec.train().seed(); }

StatusOr<Sampler> SamplerOf(const v1::JobSpec& spec, uint64_t images) {
  const int micro_batch = spec.train().batch_size() / std::max(spec.train().lanes(), 1);
  return Sampler::Create({.images = images,
                          .batch_size = static_cast<uint64_t>(spec.train().batch_size()),
                          .repeated_aug = static_cast<uint64_t>(spec.augment().repeated_aug()),
                          .drop_last = spec.train().drop_last(),
                          .seed = DataSeed(spec),
                          .labelled = static_cast<uint64_t>(spec.data().labelled()),
                          .labelled_only = spec.distillation().type() == v1::DistillationSpec::NONE,
                          .repeat_distance = static_cast<uint64_t>(spec.augment().spread_repeats() ? micro_batch : 0)});
}

}  // namespace deit::plan
