// Decision about a finished step, taken identically by all workers from the same facts. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/train/engine.h"
#include "worker/train/step_payload.h"

namespace deit::train {

// Results of the metadata all-gather, over all workers.
struct StepFacts {
  std::vector<LaneMetrics> lanes;  // by lane
  std::vector<double> squares;     // by block of the grid: of the sum over the lanes
  StepEnd end = StepEnd::kGoOn;    // the largest of all workers
};

struct StepDecision {
  LaneMetrics mean;           // over all lanes; images, correct and replaced are sums
  double gradient_norm = 0;   // of the mean over the lanes, before clipping
  double gradient_scale = 0;  // what the sum over the lanes is multiplied with: 1 / lanes, times the clipping factor
  bool finite = true;
  int first_bad_lane = -1;  // whose loss is not finite; -1: none, or only the gradient is not
  bool update = true;       // false: the step counts and its views are used up, but nothing changes
  bool given_up = false;    // it does not count, and this worker trains no other; nothing but this is defined
  bool stop = false;        // after this step
};

// clip_grad: the largest global norm, 0 for no clipping. Clipping as torch.nn.utils.clip_grad_norm_: factor min(1, clip / (norm + 1e-6)).
StepDecision DecideStep(const StepFacts& facts, double clip_grad);

}  // namespace deit::train
