// Decision about a finished step, taken identically by all workers from the same facts. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/train/engine.h"

namespace deit::train {

// Results of the metadata all-gather, over all workers.
struct StepFacts {
  std::vector<LaneMetrics> lanes;  // by lane
  std::vector<double> squares;     // by block of the grid: of the sum over the lanes
  bool stop = false;               // a worker was asked to stop
};

struct StepDecision {
  LaneMetrics mean;           // over all lanes; images, correct and replaced are sums
  double gradient_norm = 0;   // of the mean over the lanes, before clipping
  double gradient_scale = 0;  // what the sum over the lanes is multiplied with: 1 / lanes, times the clipping factor
  bool finite = true;
  int first_bad_lane = -1;  // whose loss is not finite; -1: none, or only the gradient is not
  bool update = true;       // false: the step counts and its views are used up, but nothing changes
  bool stop = false;
};

// clip_grad: the largest global norm, 0 for no clipping. Clipping as torch.nn.utils.clip_grad_norm_: factor min(1, clip / (norm + 1e-6)).
StepDecision DecideStep(const StepFacts& facts, double clip_grad);

}  // namespace deit::train
