#include "worker/train/step_decision.h"

#include <algorithm>
#include <cmath>

#include "worker/update/block_math.h"

namespace deit::train {

StepDecision DecideStep(const StepFacts& facts, double clip_grad) {
  StepDecision decision;
  decision.given_up = facts.end == StepEnd::kGivenUp;
  decision.stop = facts.end != StepEnd::kGoOn;
  if (decision.given_up) {
    decision.update = false;
    return decision;
  }
  const double lanes = static_cast<double>(facts.lanes.size());
  std::vector<double> loss, base, distill;
  for (size_t lane = 0; lane < facts.lanes.size(); ++lane) {
    const LaneMetrics& metrics = facts.lanes[lane];
    loss.push_back(metrics.loss);
    base.push_back(metrics.base);
    distill.push_back(metrics.distill);
    decision.mean.images += metrics.images;
    decision.mean.correct += metrics.correct;
    decision.mean.replaced += metrics.replaced;
    if (!std::isfinite(metrics.loss) && decision.first_bad_lane < 0) decision.first_bad_lane = static_cast<int>(lane);
  }
  const auto mean = [&](const std::vector<double>& values) {
    return update::TreeSum(values.data(), static_cast<int64_t>(values.size())) / lanes;
  };
  decision.mean.loss = mean(loss);
  decision.mean.base = mean(base);
  decision.mean.distill = mean(distill);
  decision.gradient_norm = std::sqrt(update::TreeSum(facts.squares.data(), static_cast<int64_t>(facts.squares.size()))) / lanes;
  decision.finite = decision.first_bad_lane < 0 && std::isfinite(decision.gradient_norm);
  const double clip = clip_grad > 0 ? std::min(1.0, clip_grad / (decision.gradient_norm + 1e-6)) : 1.0;
  decision.gradient_scale = clip / lanes;
  decision.update = decision.finite;
  return decision;
}

}  // namespace deit::train
