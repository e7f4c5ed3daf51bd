// Learning rate schedule.
#pragma once

#include <cstdint>

#include "common/plan/sampler.h"
#include "proto/spec.pb.h"

namespace deit::plan {

// The peak of the schedule: optimizer.lr, times train.batch_size / 512 with optimizer.scale_lr.
double BaseLearningRate(const v1::JobSpec& spec);

// DeiT's cosine schedule (timm's CosineLRScheduler without warm-up prefix), evaluated per step at t = sampler.EpochsAt(step) epochs, or without
// schedule.sched_on_updates per epoch at t = max(0, e - 1) in epoch e (facebookresearch/deit main.py, issue 145):
//   t < W:  warmup_lr + t (lr - warmup_lr) / W                    W = schedule.warmup_epochs
//   else:   min_lr + (lr - min_lr) (1 + cos(pi t / E)) / 2        E = train.epochs; min_lr from t = E on
// lr = BaseLearningRate; warmup_lr and min_lr are not scaled. Does not depend on
// train.max_steps. schedule.sched must be "cosine" (the loader accepts nothing else).
double LearningRate(const v1::JobSpec& spec, const Sampler& sampler, uint64_t step);

}  // namespace deit::plan
