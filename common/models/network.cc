#include "common/models/network.h"

#include <algorithm>

namespace deit::models {
namespace {

// NystromAttention of worker/nn/sequences.cc: three products for the scores, two with the values, the inverse, and the convolution.
double NystromMacs(const Step& step) {
  const auto width = static_cast<double>(step.outputs), heads = static_cast<double>(step.heads), m = static_cast<double>(step.landmarks);
  const auto n = static_cast<double>((step.tokens + step.landmarks - 1) / step.landmarks * step.landmarks);
  const double inverse = heads * m * m * (4 * kInverseSteps * m + n);
  return width * m * (4 * n + m) + inverse + static_cast<double>(step.kernel) * n * width;
}

}  // namespace

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
        cost.parameters += (step.inputs + (step.has_bias ? 1 : 0)) * step.outputs;
        cost.macs += static_cast<double>(step.inputs * step.outputs) * static_cast<double>(std::max<int64_t>(step.tokens, 1));
        break;
      case Op::kLayerNorm: cost.parameters += 2 * step.outputs; break;
      case Op::kPrepend:
      case Op::kAppend: cost.parameters += step.outputs; break;
      case Op::kPositions: cost.parameters += step.tokens * step.outputs; break;
      case Op::kAttention: cost.macs += 2.0 * static_cast<double>(step.tokens * step.tokens) * static_cast<double>(step.outputs); break;
      case Op::kNystromAttention:
        cost.parameters += step.heads * step.kernel;
        cost.macs += NystromMacs(step);
        break;
      case Op::kRelu:
      case Op::kSilu:
      case Op::kMaxPool:
      case Op::kMeanPool:
      case Op::kGate:
      case Op::kAdd:
      case Op::kPatches:
      case Op::kUnfold:
      case Op::kGrid:
      case Op::kGelu:
      case Op::kFirst:
      case Op::kLast: break;
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

}  // namespace deit::models
