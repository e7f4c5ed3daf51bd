#include "common/nets/network.h"

namespace deit::nets {

Cost CostOf(const Network& network) {
  Cost cost;
  for (const Step& step : network) {
    switch (step.op) {
      case Op::kConvolution: {
        const int64_t weights = step.outputs * (step.inputs / step.groups) * step.kernel * step.kernel;
        cost.parameters += weights + (step.has_bias ? step.outputs : 0);
        cost.macs += static_cast<double>(weights) * static_cast<double>(step.side * step.side);
        break;
      }
      case Op::kBatchNorm: cost.parameters += 2 * step.outputs; break;
      case Op::kLinear:
        cost.parameters += (step.inputs + 1) * step.outputs;
        cost.macs += static_cast<double>(step.inputs * step.outputs);
        break;
      case Op::kRelu:
      case Op::kSilu:
      case Op::kMaxPool:
      case Op::kMeanPool:
      case Op::kGate:
      case Op::kAdd: break;
    }
  }
  return cost;
}

int64_t FewestNormalisedPixels(const Network& network) {
  int64_t fewest = 0;
  for (const Step& step : network) {
    const int64_t pixels = step.side * step.side;
    if (step.op == Op::kBatchNorm && (fewest == 0 || pixels < fewest)) fewest = pixels;
  }
  return fewest;
}

}  // namespace deit::nets
