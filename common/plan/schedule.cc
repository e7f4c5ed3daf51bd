#include "common/plan/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/status.h"

namespace deit::plan {

double BaseLearningRate(const v1::JobSpec& spec) {
  const double scale = spec.optimizer().scale_lr() ? spec.train().batch_size() / 512.0 : 1.0;
  return spec.optimizer().lr() * scale;
}

double LearningRate(const v1::JobSpec& spec, const Sampler& sampler, uint64_t step) {
  const v1::ScheduleSpec& schedule = spec.schedule();
  DEIT_CHECK(schedule.sched() == "cosine", "sched=", schedule.sched());
  const double lr = BaseLearningRate(spec);
  const double epochs = spec.train().epochs();
  // DeiT steps timm's scheduler after each epoch with that epoch's number, so that an epoch runs at the rate of the one before it.
  const auto by_epoch = [&] { return std::max(0.0, static_cast<double>(sampler.EpochOfStep(step)) - 1); };
  const double time = std::min(schedule.sched_on_updates() ? sampler.EpochsAt(step) : by_epoch(), epochs);
  if (time < schedule.warmup_epochs()) {
    return schedule.warmup_lr() + time * (lr - schedule.warmup_lr()) / schedule.warmup_epochs();
  }
  return schedule.min_lr() + 0.5 * (lr - schedule.min_lr()) * (1.0 + std::cos(std::numbers::pi * time / epochs));
}

}  // namespace deit::plan
